import type { UpstreamServer } from '../config/upstream-config.ts';
import { addressText } from '../http/host-port.ts';
import type { Candidate } from './balance/balancer.ts';
import type { ServerFact } from './server-facts.ts';
import type { ServerPool } from './server-pool.ts';

/** One address of an upstream server: its connections, and what the configuration and the control plane say of it. */
export class Endpoint implements Candidate {
  readonly pool: ServerPool;
  #server: UpstreamServer;
  #fact: ServerFact;

  constructor(pool: ServerPool, server: UpstreamServer, fact: ServerFact) {
    this.pool = pool;
    this.#server = server;
    this.#fact = fact;
  }

  get server(): UpstreamServer {
    return this.#server;
  }

  /** New requests may go to it. */
  get usable(): boolean {
    return this.#fact.mode === 'ready' && this.#fact.healthy;
  }

  get text(): string {
    return addressText(this.#fact.address);
  }

  get weight(): number {
    return this.#server.weight;
  }

  get load(): number {
    return this.pool.load;
  }

  get full(): boolean {
    return this.pool.isFull(this.#server.connections);
  }

  /** Puts other facts in force. A server that gets no new requests keeps no idle connection. */
  take(server: UpstreamServer, fact: ServerFact): void {
    this.#server = server;
    this.#fact = fact;
    this.pool.usable = this.usable;
  }
}
