import type { UpstreamConfig, UpstreamServer } from '../config/upstream-config.ts';
import { addressText } from '../http/host-port.ts';
import type { Balancer } from './balance/balancer.ts';
import { Endpoint } from './endpoint.ts';
import { Outliers } from './outliers.ts';
import type { ServerFact } from './server-facts.ts';
import type { ServerPool } from './server-pool.ts';
import type { ServerState, ServerWatcher } from './server-state.ts';
import type { UpstreamStream } from './upstream-stream.ts';

export interface EndpointsOptions extends Pick<UpstreamConfig, 'servers' | 'outliers' | 'slowStartMs'> {
  /** See `Endpoints.take`. */
  readonly facts: readonly ServerFact[];
  readonly balancer: Balancer;
  /** Makes the pool of an address. */
  readonly poolOf: (server: UpstreamServer, fact: ServerFact) => ServerPool;
  /** Called when failures have changed who may be chosen. */
  readonly onChange: () => void;
}

/** The addresses of one upstream's servers, and the choice among them. */
export class Endpoints implements ServerWatcher {
  readonly #options: EndpointsOptions;
  readonly #balancer: Balancer;
  /** Undefined: failures in a row eject no server. */
  readonly #outliers: Outliers | undefined;
  /** By the text of the address. */
  #current = new Map<string, Endpoint>();
  /** They have left the configuration or DNS, and end with their last request. */
  readonly #leaving = new Set<ServerPool>();
  /** The endpoints to choose from. */
  #candidates: readonly Endpoint[] = [];
  /** The only candidate; undefined when there are others or none. */
  #only: Endpoint | undefined;

  /** The servers whose failures are to be judged. */
  readonly #suspects = new Set<ServerState>();
  #closed = false;

  constructor(options: EndpointsOptions) {
    this.#options = options;
    this.#balancer = options.balancer;
    this.#outliers = options.outliers && new Outliers(options.outliers);
    this.take(options.facts);
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
    for (const server of this.#options.servers) {
      const text = addressText(server.address);
      const its = facts.filter((fact) => fact.server === text);
      const known =
        its.length > 0
          ? its
          : [{ server: text, address: server.address, mode: 'ready', healthy: true } as const];
      for (const fact of known) this.#add(server, fact, before);
    }
    for (const [text, { pool }] of before) if (this.#current.get(text)?.pool !== pool) this.#leave(pool);
    this.#outliers?.bound(this.#current.values());
    this.#refresh();
  }

  /** A failure that ejects its server is judged when all that it did before has come to its end. */
  onFailure(state: ServerState): void {
    if (this.#outliers?.isSuspect(state) !== true) return;
    if (this.#suspects.size === 0) queueMicrotask(() => this.#judge());
    this.#suspects.add(state);
  }

  onShare(): void {
    for (const endpoint of this.#current.values()) endpoint.review();
    this.#refresh();
    this.#options.onChange();
  }

  /** The upstream leaves: it ejects no server, and does not follow the states of its servers any more. */
  close(): void {
    this.#closed = true;
    for (const { pool } of this.#current.values()) pool.state.watchers.delete(this);
  }

  #judge(): void {
    const suspects = [...this.#suspects];
    this.#suspects.clear();
    for (const state of suspects) {
      const endpoint = [...this.#current.values()].find(({ pool }) => pool.state === state);
      if (endpoint !== undefined && !this.#closed) this.#outliers?.judge(endpoint, this.#current.values());
    }
  }

  /** Chooses again who may be chosen. */
  #refresh(): void {
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
      known !== undefined && areAlike(known.server, server) ? known : this.#newEndpoint(server, fact, before);
    endpoint.take(server, fact);
    this.#current.set(text, endpoint);
  }

  #newEndpoint(server: UpstreamServer, fact: ServerFact, before: ReadonlyMap<string, Endpoint>): Endpoint {
    const { poolOf, slowStartMs = 0 } = this.#options;
    const pool = poolOf(server, fact);
    if (!this.#closed) pool.state.watchers.add(this);
    // The first addresses of a name stand in for the name, and all others that were there at first begin with them.
    const isNew = before.size > 0 && !before.has(fact.server);
    return new Endpoint(pool, server, fact, slowStartMs, isNew);
  }

  #leave(pool: ServerPool): void {
    if (pool.size > 0) this.#leaving.add(pool);
    pool.state.watchers.delete(this);
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
