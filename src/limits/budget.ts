import { type Lease, spareOf } from './lease.ts';

/** Bytes asked for at a time: what one client on a fast network sends in a few milliseconds. */
const STEP_BYTES = 16 * 1024 * 1024;

/**
 * The most that is never given away, in bytes, and the part of what a process began with: what a fast upload brings
 * before others can be asked for more.
 */
const KEEP_BYTES = 8 * 1024 * 1024;
const KEEP_PART = 4;
/**
 * Milliseconds that a body waits for others to say what they can spare, which they do within 100 ms; a little longer,
 * because they are not asked anew at once.
 */
const PREPARE_MS = 200;

/** Times that others are asked for one body. Each time they give half of what they do not use. */
const ROUNDS = 4;

interface Waiter {
  /** Bytes that it needs room for. */
  readonly bytes: number;
  readonly ready: () => void;
  readonly timer: NodeJS.Timeout;
  rounds: number;
}

/** A shared allowance of bytes. */
export class Budget implements Lease {
  limit: number;
  readonly step = STEP_BYTES;
  private used = 0;
  private readonly keep: number;
  private readonly onScarce: ((wanted?: number) => void) | undefined;
  private readonly waiters = new Set<Waiter>();

  /**
   * @param onScarce told when more than half is taken, each time that more is wanted, and how many bytes when that is
   * known; undefined when no others have a part.
   */
  constructor(bytes: number, onScarce?: (wanted?: number) => void) {
    this.limit = bytes;
    this.keep = Math.min(KEEP_BYTES, Math.floor(bytes / KEEP_PART));
    this.onScarce = onScarce;
  }

  /** Takes `bytes` if that many are left. */
  take(bytes: number): boolean {
    const used = this.used + bytes;
    if (used > this.limit / 2) this.onScarce?.();
    if (used > this.limit) return false;
    this.used = used;
    return true;
  }

  /**
   * Asks others for the room that is missing for a body of so many bytes: within a turn of the event loop, which a fast
   * upload makes a long one, nothing could be had any more. Returns true when there is nothing to wait for; otherwise
   * `ready` is called once, when they have given what they can.
   */
  prepare(bytes: number, ready: () => void): boolean {
    const missing = this.missing(bytes);
    if (missing <= 0 || this.onScarce === undefined) return true;
    const timer = setTimeout(() => this.end(waiter), PREPARE_MS);
    const waiter: Waiter = { bytes, ready, timer, rounds: 1 };
    this.waiters.add(waiter);
    this.onScarce(missing);
    return false;
  }

  giveBack(bytes: number): void {
    this.used -= bytes;
  }

  raise(amount: number): void {
    this.limit += amount;
    for (const waiter of this.waiters) {
      const missing = this.missing(waiter.bytes);
      if (amount > 0 && missing > 0 && waiter.rounds < ROUNDS) {
        waiter.rounds += 1;
        this.onScarce?.(missing);
      } else this.end(waiter);
    }
  }

  lower(wanted: number): number {
    const amount = spareOf(this.limit, this.used, this.keep, wanted);
    this.limit -= amount;
    return amount;
  }

  private missing(bytes: number): number {
    return bytes - (this.limit - this.used);
  }

  private end(waiter: Waiter): void {
    clearTimeout(waiter.timer);
    if (this.waiters.delete(waiter)) waiter.ready();
  }
}
