import { type Lease, spareOf } from './lease.ts';

/** Bytes asked for at a time: one client on a fast network sends as much in a few milliseconds. */
const STEP_BYTES = 16 * 1024 * 1024;

/**
 * Bytes that are never given away, and the same as a part of the first share, as a reciprocal. A fast upload brings as
 * much before other processes can be asked for more.
 */
const KEEP_BYTES = 8 * 1024 * 1024;
const KEEP_PART = 4;
/**
 * Milliseconds that a body waits for other processes to give what they can spare. They do so within 100 ms, but the
 * next message to them may have to wait (`LeaseClient`).
 */
const PREPARE_MS = 200;

/** How often other processes are asked for one body. Each time they give half of their unused bytes. */
const ROUNDS = 4;

interface Waiter {
  /** Bytes of the body that waits. */
  readonly bytes: number;
  readonly ready: () => void;
  readonly timer: NodeJS.Timeout;
  rounds: number;
}

/** A shared allowance of bytes. */
export class Budget implements Lease {
  limit: number;
  readonly step = STEP_BYTES;
  readonly #share: number;
  readonly #keep: number;
  readonly #onScarce: ((wanted?: number) => void) | undefined;
  readonly #waiters = new Set<Waiter>();
  #used = 0;

  /**
   * @param onScarce called at each `take` while more than half is taken, and with a number of bytes if it is known;
   *   undefined when no other process has a part.
   */
  constructor(bytes: number, onScarce?: (wanted?: number) => void) {
    this.limit = bytes;
    this.#share = bytes;
    this.#keep = Math.min(KEEP_BYTES, Math.floor(bytes / KEEP_PART));
    this.#onScarce = onScarce;
  }

  /** Bytes that are taken. */
  get used(): number {
    return this.#used;
  }

  /** Takes `bytes` if that many are left. */
  take(bytes: number): boolean {
    const used = this.#used + bytes;
    if (used > this.limit / 2) this.#onScarce?.();
    if (used > this.limit) return false;
    this.#used = used;
    return true;
  }

  /**
   * Asks other processes for the room that a body of so many bytes lacks. Must be called before the body arrives: a fast
   * upload makes long turns of the event loop, and no process can give bytes within a turn.
   * @returns true when there is no need to wait; otherwise `ready` is called once, when the others have given what they
   *   can spare.
   */
  prepare(bytes: number, ready: () => void): boolean {
    const missing = this.#missing(bytes);
    if (missing <= 0 || this.#onScarce === undefined) return true;
    const timer = setTimeout(() => this.#end(waiter), PREPARE_MS);
    const waiter: Waiter = { bytes, ready, timer, rounds: 1 };
    this.#waiters.add(waiter);
    this.#onScarce(missing);
    return false;
  }

  giveBack(bytes: number): void {
    this.#used -= bytes;
  }

  raise(amount: number): void {
    this.limit += amount;
    for (const waiter of this.#waiters) {
      const missing = this.#missing(waiter.bytes);
      if (amount > 0 && missing > 0 && waiter.rounds < ROUNDS) {
        waiter.rounds += 1;
        this.#onScarce?.(missing);
      } else this.#end(waiter);
    }
  }

  /** The limit is again what it was at first; bytes above it that are taken stay taken. */
  reset(): void {
    this.raise(this.#share - this.limit);
  }

  lower(wanted: number): number {
    const amount = spareOf(this.limit, this.#used, this.#keep, wanted);
    this.limit -= amount;
    return amount;
  }

  #missing(bytes: number): number {
    return bytes - (this.limit - this.#used);
  }

  #end(waiter: Waiter): void {
    clearTimeout(waiter.timer);
    if (this.#waiters.delete(waiter)) waiter.ready();
  }
}
