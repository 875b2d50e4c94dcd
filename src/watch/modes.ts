import type { ServerFact } from '../upstream/server-facts.ts';

export type Mode = ServerFact['mode'];

/** Addresses of one server with a mode of their own: as many as a name has addresses at one time. */
const MAX_ADDRESSES = 64;

/** The modes that operators set for one configured server: for all its addresses, or for single ones. */
export class Modes {
  #all: Mode = 'ready';
  readonly #single = new Map<string, Mode>();

  of(address: string): Mode {
    return this.#single.get(address) ?? this.#all;
  }

  /** Sets the mode of all addresses, also of those that the name of the server gets later. */
  setAll(mode: Mode): void {
    this.#all = mode;
    this.#single.clear();
  }

  /** An address keeps its mode while the DNS does not name it. */
  set(address: string, mode: Mode): void {
    this.#single.delete(address);
    this.#single.set(address, mode);
    const [oldest] = this.#single.keys();
    if (this.#single.size > MAX_ADDRESSES && oldest !== undefined) this.#single.delete(oldest);
  }
}
