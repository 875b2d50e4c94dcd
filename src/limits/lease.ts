/**
 * A part of a limit whose other parts other processes hold: how much of it this process may use now. It grows by what
 * others can spare and shrinks by what they need more.
 */
export interface Lease {
  /** Units that this process may use now. */
  readonly limit: number;
  /** Units to ask for when they run out: few enough to leave others theirs, enough not to ask for each. */
  readonly step: number;
  /** Adds `amount` units. */
  raise(amount: number): void;
  /** Gives up to `wanted` units away, and none that is in use. @returns how many. */
  lower(wanted: number): number;
}

/**
 * Units that may be given away: half of what is not in use, rounded up, so that two processes which need much do not
 * take the same units from each other again and again. `keep` stays in any case.
 */
export function spareOf(limit: number, used: number, keep: number, wanted: number): number {
  const unused = limit - used;
  return Math.max(0, Math.min(wanted, Math.ceil(unused / 2), unused - keep));
}

/** The name of an upstream's connections among the limits that processes share. */
export function upstreamLease(name: string): string {
  return `upstream ${name}`;
}
