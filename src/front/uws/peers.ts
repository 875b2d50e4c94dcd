import { UNIX_PEER } from '../../http/networks.ts';
import { addressText } from '../remote-address.ts';
import type { EngineResponse } from './engine.ts';

/** Tells the address of a response's peer. */
export interface PeerNames {
  /** Undefined when a TCP peer left before its address was asked. */
  addressOf(response: EngineResponse): string | undefined;
}

/** The peers of unix sockets. */
export const unixPeers: PeerNames = { addressOf: () => UNIX_PEER };

/**
 * Avoids asking the kernel for the peer's address where possible: asking for every request costs as much as a third of
 * the gateway's own work. While all open connections come from one address, as behind a balancer, that address holds for
 * all. After a second address has appeared the kernel is asked, until all connections are closed: a connection that ends
 * no longer has its address. A connection that was reset before it was accepted has no address, so it counts as a second
 * address: its requests must not get the address of the others.
 */
export class Peers implements PeerNames {
  #open = 0;
  #sole: string | undefined;

  /** A connection opened (`change` 1) or closed (-1). */
  onConnection(change: number, response: EngineResponse): void {
    if (change < 0) {
      this.#open -= 1;
      if (this.#open === 0) this.#sole = undefined;
      return;
    }
    const address = addressText(response.getRemoteAddress());
    if (this.#open === 0) this.#sole = address;
    else if (this.#sole !== address) this.#sole = undefined;
    this.#open += 1;
  }

  /** Text of the peer's address; undefined when the peer has left. */
  addressOf(response: EngineResponse): string | undefined {
    return this.#sole ?? addressText(response.getRemoteAddress());
  }
}
