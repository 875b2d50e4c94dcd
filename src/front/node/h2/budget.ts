import { ConnectionFault, ENHANCE_YOUR_CALM } from './codes.ts';

/** Points that a connection may spend at once; enough for a browser that leaves a page with all its requests open. */
const CAPACITY = 1_000;
/** Points that come back each second: what a client costs that spends them all, for ever, is below a percent of a core. */
const PER_SECOND = 200;
/**
 * Points that the client earns by each response, and by each DATA frame that its windows have not made tiny: two window
 * updates follow one.
 */
const EARNED = 2;

/** What a frame costs that asks for work and brings no request or data. */
export const costs = {
  /** A ping to acknowledge, a window update, a priority, an unknown frame, a piece of a block, empty data. */
  frame: 1,
  /** A request above the number of streams. */
  refused: 2,
  /** A request that was begun for nothing: it is reset, by the client or because of its fault. */
  reset: 4,
  /** Settings change all streams. */
  settings: 10,
} as const;

/**
 * The patience with one connection: a bucket of points for whatever a client can have done at little cost to itself.
 * Against rapid reset (CVE-2023-44487), resets provoked from this side (CVE-2025-8671), and floods of SETTINGS, PING,
 * empty frames and window updates (CVE-2019-9512 to 9518).
 */
export class Budget {
  #points = CAPACITY;
  /** Monotonic milliseconds; -1 before the first review. */
  #at = -1;

  /** @throws ConnectionFault when the bucket is empty. */
  spend(points: number): void {
    this.#points -= points;
    if (this.#points < 0) throw new ConnectionFault(ENHANCE_YOUR_CALM);
  }

  /** A DATA frame of a usual size or a whole response was sent. */
  earn(): void {
    if (this.#points < CAPACITY) this.#points += EARNED;
  }

  /** @param now monotonic milliseconds. */
  review(now: number): void {
    const elapsed = this.#at < 0 ? 0 : now - this.#at;
    this.#at = now;
    this.#points = Math.min(CAPACITY, this.#points + (elapsed * PER_SECOND) / 1000);
  }
}
