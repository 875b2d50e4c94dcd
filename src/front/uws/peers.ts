import { UNIX_PEER } from '../../http/networks.ts';
import type { EngineResponse } from './engine.ts';
import { addressText } from './remote-address.ts';

/** Knows to whom a response goes. */
export interface PeerNames {
  /** Undefined for a TCP peer that has left and did so before anybody asked. */
  addressOf(response: EngineResponse): string | undefined;
}

/** The peers of unix sockets. */
export const unixPeers: PeerNames = { addressOf: () => UNIX_PEER };

/**
 * Knows the peer's address without asking the kernel where that can be: the engine asks it anew for every request,
 * which costs as much as a third of the gateway's own work. While all open connections come from one address, as
 * behind a balancer, that is the answer; after a second address showed up the kernel is asked until all connections
 * are gone, because a connection that ends no longer tells whose it was. A connection that was reset before it was
 * accepted has no address, so it counts as a second one: its requests must not get the address of the others.
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

  /** Text of the address this response goes to; undefined when the peer has left. */
  addressOf(response: EngineResponse): string | undefined {
    return this.#sole ?? addressText(response.getRemoteAddress());
  }
}
