import type { Config } from '../config/config.ts';
import { addressText } from '../http/host-port.ts';
import type { Clock } from '../lib/clock.ts';
import type { Timers } from '../lib/timers.ts';
import type { ServerFact } from './server-facts.ts';
import type { ServerEvent, ServerName } from './server-report.ts';
import { ServerState } from './server-state.ts';

/** The states of the servers of one process. A state outlives changes of the configuration while its server stays. */
export class ServerStates {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onEvent: (event: ServerEvent) => void;
  readonly #states = new Map<string, ServerState>();

  constructor(clock: Clock, timers: Timers, onEvent: (event: ServerEvent) => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#onEvent = onEvent;
  }

  of(server: ServerName): ServerState {
    const key = serverKey(server);
    let state = this.#states.get(key);
    if (state === undefined) {
      state = new ServerState(server, this.#clock, this.#timers, this.#onEvent);
      this.#states.set(key, state);
    }
    return state;
  }

  /** Forgets all servers but these. */
  keep(servers: Iterable<ServerName>): void {
    const kept = new Set(Array.from(servers, serverKey));
    for (const [key, state] of this.#states) {
      if (kept.has(key)) continue;
      state.close();
      this.#states.delete(key);
    }
  }
}

/** The servers of a configuration, with the addresses that are known of them. */
export function serversOf(
  { upstreams }: Pick<Config, 'upstreams'>,
  facts: ReadonlyMap<string, readonly ServerFact[]>,
): ServerName[] {
  return Array.from(upstreams.values(), ({ name, servers }) =>
    [...servers, ...(facts.get(name) ?? [])].map(({ address }) => ({
      upstream: name,
      address: addressText(address),
    })),
  ).flat();
}

export function serverKey({ upstream, address }: ServerName): string {
  return JSON.stringify([upstream, address]);
}
