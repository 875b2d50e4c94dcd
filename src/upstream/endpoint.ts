import type { UpstreamServer } from '../config/upstream-config.ts';
import { addressText } from '../http/host-port.ts';
import type { Candidate } from './balance/balancer.ts';
import type { ServerFact } from './server-facts.ts';
import type { ServerPool } from './server-pool.ts';

/** One address of an upstream server: its connections, and what the configuration and the control plane say of it. */
export class Endpoint implements Candidate {
  readonly pool: ServerPool;
  readonly #slowStartMs: number;
  #server: UpstreamServer;
  #fact: ServerFact;
  #wasUsable: boolean;

  /**
   * @param slowStartMs of a server that comes back; 0: it gets its whole part at once.
   * @param isNew it has joined others, and starts slowly as one that comes back.
   */
  constructor(
    pool: ServerPool,
    server: UpstreamServer,
    fact: ServerFact,
    slowStartMs: number,
    isNew: boolean,
  ) {
    this.pool = pool;
    this.#server = server;
    this.#fact = fact;
    this.#slowStartMs = slowStartMs;
    this.#wasUsable = !isNew;
  }

  get server(): UpstreamServer {
    return this.#server;
  }

  /** The operator and the checks let requests go to it. */
  get allowed(): boolean {
    return this.#fact.mode === 'ready' && this.#fact.healthy;
  }

  /** New requests may go to it. */
  get usable(): boolean {
    return this.allowed && this.pool.state.ejected === undefined;
  }

  get text(): string {
    return addressText(this.#fact.address);
  }

  get weight(): number {
    return this.#server.weight * this.pool.state.share;
  }

  get load(): number {
    return this.pool.load + this.pool.state.tunnels;
  }

  get full(): boolean {
    return this.pool.isFull(this.#server.connections);
  }

  /** Puts other facts in force. A server that gets no new requests keeps no idle connection. */
  take(server: UpstreamServer, fact: ServerFact): void {
    // Checks have found it well since, so its failures are over.
    if (fact.healthy && !this.#fact.healthy) this.pool.state.readmit();
    this.#server = server;
    this.#fact = fact;
    this.review();
  }

  /** Puts in force whether requests may go to it. */
  review(): void {
    const { usable } = this;
    if (usable && !this.#wasUsable && this.#slowStartMs > 0) this.pool.state.startSlowly(this.#slowStartMs);
    this.#wasUsable = usable;
    this.pool.usable = usable;
  }
}
