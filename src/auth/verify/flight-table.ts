import type { Issuer } from '../policy/issuer.ts';
import { signatureSlot } from '../read/signature-hash.ts';

/** Chains, a power of two: about as many as tokens under verification at a time. */
const CHAINS = 4096;
/**
 * Flights in one chain. Tokens made up to share a chain would each be compared with all before them; beyond this
 * they fly unshared, which costs their sender a place in the bounded queue and other clients nothing.
 */
const MAX_CHAIN = 8;

/** What the table keeps; `next` is the table's. */
export interface Chained {
  readonly token: string;
  readonly issuer: Issuer;
  next: Chained | undefined;
}

/**
 * Verifications under way by token and issuer. Not a Map: under a steady stream of additions and deletions that
 * abandons a table every few dozen, and abandoned tables which have become old keep what was in them alive.
 */
export class FlightTable<F extends Chained> {
  readonly #chains = new Array<F | undefined>(CHAINS).fill(undefined);

  /** Whether the token is under verification, for any issuer. */
  has(token: string): boolean {
    let flight: Chained | undefined = this.#chains[signatureSlot(token, CHAINS)];
    while (flight !== undefined && flight.token !== token) flight = flight.next;
    return flight !== undefined;
  }

  find(token: string, issuer: Issuer): F | undefined {
    let flight = this.#chains[signatureSlot(token, CHAINS)];
    while (flight !== undefined && (flight.issuer !== issuer || flight.token !== token)) {
      flight = flight.next as F | undefined;
    }
    return flight;
  }

  /** Does nothing when the chain is full: the flight is then not found, and no request joins it. */
  add(flight: F): void {
    const slot = signatureSlot(flight.token, CHAINS);
    const first = this.#chains[slot];
    let length = 0;
    for (let other: Chained | undefined = first; other !== undefined; other = other.next) length += 1;
    if (length >= MAX_CHAIN) return;
    flight.next = first;
    this.#chains[slot] = flight;
  }

  delete(flight: F): void {
    const slot = signatureSlot(flight.token, CHAINS);
    const first = this.#chains[slot];
    if (first === flight) this.#chains[slot] = flight.next as F | undefined;
    else {
      let before: Chained | undefined = first;
      while (before !== undefined && before.next !== flight) before = before.next;
      if (before !== undefined) before.next = flight.next;
    }
    flight.next = undefined;
  }
}
