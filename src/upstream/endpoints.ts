import type { UpstreamServer } from '../config/upstream-config.ts';
import { addressText } from '../http/host-port.ts';
import type { Balancer } from './balance/balancer.ts';
import { Endpoint } from './endpoint.ts';
import type { ServerFact } from './server-facts.ts';
import type { ServerPool } from './server-pool.ts';
import type { ServerState } from './server-state.ts';
import type { UpstreamStream } from './upstream-stream.ts';

/** The addresses of one upstream's servers, and the choice among them. */
export class Endpoints {
  readonly #servers: readonly UpstreamServer[];
  readonly #balancer: Balancer;
  readonly #poolOf: (server: UpstreamServer, fact: ServerFact) => ServerPool;
  /** By the text of the address. */
  #current = new Map<string, Endpoint>();
  /** They have left the configuration or DNS, and end with their last request. */
  readonly #leaving = new Set<ServerPool>();
  /** The endpoints to choose from. */
  #candidates: readonly Endpoint[] = [];
  /** The only candidate; undefined when there are others or none. */
  #only: Endpoint | undefined;

  /** @param servers as configured. @param facts see `take`. @param poolOf makes the pool of an address. */
  constructor(
    servers: readonly UpstreamServer[],
    facts: readonly ServerFact[],
    balancer: Balancer,
    poolOf: (server: UpstreamServer, fact: ServerFact) => ServerPool,
  ) {
    this.#servers = servers;
    this.#balancer = balancer;
    this.#poolOf = poolOf;
    this.take(facts);
  }

  /** No server may take requests. */
  get none(): boolean {
    return this.#candidates.length === 0;
  }

  get current(): Iterable<Endpoint> {
    return this.#current.values();
  }

  /** All pools, those of addresses that leave too. */
  *pools(): Iterable<ServerPool> {
    for (const { pool } of this.#current.values()) yield pool;
    yield* this.#leaving;
  }

  /**
   * Puts the facts in force that the control plane knows. A configured server without facts has one address, its own.
   * An address that is not named any more gets no new request, and finishes those that it has.
   */
  take(facts: readonly ServerFact[]): void {
    const before = this.#current;
    this.#current = new Map();
    for (const server of this.#servers) {
      const text = addressText(server.address);
      const its = facts.filter((fact) => fact.server === text);
      const known =
        its.length > 0
          ? its
          : [{ server: text, address: server.address, mode: 'ready', healthy: true } as const];
      for (const fact of known) this.#add(server, fact, before);
    }
    for (const [text, { pool }] of before) if (this.#current.get(text)?.pool !== pool) this.#leave(pool);
    this.refresh();
  }

  /** Chooses again who may be chosen. */
  refresh(): void {
    const usable = [...this.#current.values()].filter((endpoint) => endpoint.usable);
    const primary = usable.filter(({ server }) => !server.backup);
    this.#candidates = primary.length > 0 ? primary : usable;
    this.#only = this.#candidates.length === 1 ? this.#candidates[0] : undefined;
    this.#balancer.use(this.#candidates);
  }

  /**
   * Chooses a server for a request; undefined when none has a connection for it. The only candidate is always chosen.
   * @param avoid is chosen only if no other server can take the request. @param key see `Balancer`.
   */
  choose(avoid: ServerState | undefined, key: number): Endpoint | undefined {
    if (this.#only !== undefined) return this.#only;
    const candidates = this.#candidates;
    const index = avoid === undefined ? -1 : candidates.findIndex(({ pool }) => pool.state === avoid);
    return candidates[this.#balancer.choose(index, key)];
  }

  /** A connection in use that has room for one more request; undefined where every server has all its connections in use. */
  shared(): UpstreamStream | undefined {
    for (const { pool } of this.#candidates) {
      const connection = pool.take(true, false);
      if (connection !== undefined) return connection;
    }
    return undefined;
  }

  /** Another server than this one may be chosen. */
  hasOther(server: ServerState): boolean {
    return this.#candidates.some(({ pool }) => pool.state !== server);
  }

  /** A connection of this pool has ended. */
  onClosed(pool: ServerPool): void {
    if (pool.size === 0) this.#leaving.delete(pool);
  }

  /** Two servers can have one address; the first one counts. */
  #add(server: UpstreamServer, fact: ServerFact, before: ReadonlyMap<string, Endpoint>): void {
    const text = addressText(fact.address);
    if (this.#current.has(text)) return;
    const known = before.get(text);
    const endpoint =
      known !== undefined && areAlike(known.server, server)
        ? known
        : new Endpoint(this.#poolOf(server, fact), server, fact);
    endpoint.take(server, fact);
    this.#current.set(text, endpoint);
  }

  #leave(pool: ServerPool): void {
    if (pool.size > 0) this.#leaving.add(pool);
    pool.usable = false;
    pool.drain();
  }
}

/**
 * Whether connections to an address may serve either server. Those with TLS are to a server by its name, so they do not
 * serve another one.
 */
function areAlike(one: UpstreamServer, other: UpstreamServer): boolean {
  if (one === other) return true;
  return one.scheme === 'http' && other.scheme === 'http' && one.protocol === other.protocol;
}
