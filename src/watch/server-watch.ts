import type { UpstreamConfig } from '../config/upstream-config.ts';
import { CounterFamily } from '../lib/counters.ts';
import { Slots } from '../lib/slots.ts';
import type { ServerFact } from '../upstream/server-facts.ts';
import type { Mode } from './modes.ts';
import { type EndpointView, UpstreamServers, type UpstreamSurroundings } from './upstream-servers.ts';

/** Look-ups at one time: each holds one of the four threads of this process, and files need the others. */
const MAX_LOOKUPS = 2;
/** Checks at one time: each holds a descriptor and, where servers hang, lasts as long as its time-out. */
const MAX_CHECKS = 64;
/** Milliseconds for the first look-ups, for which the start waits; later, workers begin with the names. */
const FIRST_LOOKUPS_MS = 1_000;

export interface ServerWatchOptions
  extends Omit<UpstreamSurroundings, 'lookups' | 'checks' | 'results' | 'onFacts'> {
  /** Tells the servers of the traffic. Resolves when all of them have taken the facts. */
  readonly distribute: (upstream: string, facts: readonly ServerFact[]) => Promise<void>;
}

/**
 * The servers of all upstreams: their names are looked up and their health is checked here, once for all workers, which
 * get the result as facts.
 */
export class ServerWatch {
  /** Checks of servers by result, of each upstream. */
  readonly results = new Map<string, CounterFamily>();
  readonly #options: ServerWatchOptions;
  readonly #lookups = new Slots(MAX_LOOKUPS);
  readonly #checks = new Slots(MAX_CHECKS);
  readonly #upstreams = new Map<string, UpstreamServers>();
  /** The last distribution for each upstream. */
  readonly #told = new Map<string, Promise<void>>();

  constructor(options: ServerWatchOptions) {
    this.#options = options;
  }

  /** By upstream. */
  get current(): ReadonlyMap<string, readonly ServerFact[]> {
    return new Map(Array.from(this.#upstreams, ([name, { facts }]) => [name, facts]));
  }

  /** Resolves when names have been looked up, or when that takes too long. */
  async start(upstreams: ReadonlyMap<string, UpstreamConfig>): Promise<void> {
    this.follow(upstreams);
    const named = Promise.all(Array.from(this.#upstreams.values(), (one) => one.named()));
    let stopWaiting = (): void => {};
    const late = new Promise<void>((resolve) => {
      stopWaiting = this.#options.timers.after(FIRST_LOOKUPS_MS, resolve);
    });
    await Promise.race([named, late]);
    stopWaiting();
  }

  /** Watches the servers of these upstreams, and no others. */
  follow(upstreams: ReadonlyMap<string, UpstreamConfig>): void {
    for (const [name, servers] of this.#upstreams) {
      if (upstreams.has(name)) continue;
      servers.close();
      this.#upstreams.delete(name);
      this.#told.delete(name);
      this.results.delete(name);
    }
    for (const [name, config] of upstreams) {
      const servers = this.#upstreams.get(name);
      if (servers === undefined) this.#upstreams.set(name, this.#watch(name, config));
      else servers.follow(config);
    }
  }

  /** For `/status`; undefined for an unknown upstream. */
  view(upstream: string): readonly EndpointView[] | undefined {
    return this.#upstreams.get(upstream)?.view();
  }

  /**
   * Sets the mode of one address of an upstream, or of all addresses of a configured server. Resolves when all workers
   * have taken it.
   * @returns the addresses that have it now; undefined for an unknown upstream or server.
   */
  async setMode(upstream: string, server: string, mode: Mode): Promise<readonly string[] | undefined> {
    const addresses = this.#upstreams.get(upstream)?.setMode(server, mode) ?? [];
    if (addresses.length === 0) return undefined;
    await this.#told.get(upstream);
    return addresses;
  }

  close(): void {
    for (const servers of this.#upstreams.values()) servers.close();
    this.#upstreams.clear();
  }

  #watch(name: string, config: UpstreamConfig): UpstreamServers {
    const results = new CounterFamily();
    this.results.set(name, results);
    return new UpstreamServers(config, {
      ...this.#options,
      lookups: this.#lookups,
      checks: this.#checks,
      results,
      onFacts: (facts) => void this.#told.set(name, this.#options.distribute(name, facts)),
    });
  }
}
