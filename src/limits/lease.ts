/**
 * The part that this process has of a limit that processes share. It grows by units that others can spare, and shrinks by
 * units that others need more.
 */
export interface Lease {
  /** Units that this process may use now. */
  readonly limit: number;
  /** Units to ask for when they run out: few enough to leave some to others, enough not to ask for each. */
  readonly step: number;
  /** Adds `amount` units. */
  raise(amount: number): void;
  /** Gives away up to `wanted` units, none of them in use. @returns the units given. */
  lower(wanted: number): number;
}

/**
 * Units that may be given away: half of the unused ones, rounded up. Two busy processes then do not take the same units
 * from each other again and again. `keep` units stay in any case.
 */
export function spareOf(limit: number, used: number, keep: number, wanted: number): number {
  const unused = limit - used;
  return Math.max(0, Math.min(wanted, Math.ceil(unused / 2), unused - keep));
}

/** The name of the limit on an upstream's connections, among the limits that processes share. */
export function upstreamLease(name: string): string {
  return `upstream ${name}`;
}
