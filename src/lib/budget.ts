import { type Lease, spareOf } from './lease.ts';

/** Bytes asked for at a time: what one client on a fast network sends in a few milliseconds. */
const STEP_BYTES = 16 * 1024 * 1024;

/** A shared allowance of bytes. */
export class Budget implements Lease {
  limit: number;
  readonly step = STEP_BYTES;
  private used = 0;
  private readonly onScarce: () => void;

  /** @param onScarce told when more than half is taken, each time that more is wanted. */
  constructor(bytes: number, onScarce: () => void = () => {}) {
    this.limit = bytes;
    this.onScarce = onScarce;
  }

  /** Takes `bytes` if that many are left. */
  take(bytes: number): boolean {
    const used = this.used + bytes;
    if (used > this.limit / 2) this.onScarce();
    if (used > this.limit) return false;
    this.used = used;
    return true;
  }

  giveBack(bytes: number): void {
    this.used -= bytes;
  }

  raise(amount: number): void {
    this.limit += amount;
  }

  lower(wanted: number): number {
    const amount = spareOf(this.limit, this.used, 0, wanted);
    this.limit -= amount;
    return amount;
  }
}
