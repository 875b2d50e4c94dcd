import type { Issuer } from '../policy/issuer.ts';
import { signatureSlot } from '../read/signature-hash.ts';

/** Chains, a power of two: about as many as there are tokens under verification at a time. */
const CHAINS = 4096;
/**
 * Flights in one chain. Tokens can be forged to share a chain, and a new one is compared with all that are in it. A
 * flight beyond this number is not shared: each of its requests takes a place of its own in the bounded queue.
 */
const MAX_CHAIN = 8;

/** An entry of the table. Only the table uses `next`. */
export interface Chained {
  readonly token: string;
  readonly issuer: Issuer;
  next: Chained | undefined;
}

/**
 * Verifications under way, by token and issuer. Not a Map: a Map that entries steadily enter and leave replaces its
 * table every few dozen entries, and replaced tables in the old generation keep their entries alive.
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

  /** Does nothing when the chain is full. `find` then does not find the flight, and no request joins it. */
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
