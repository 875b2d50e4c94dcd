/** Share by which a time between refreshes varies, so that gateways started together do not stay together. */
const JITTER = 0.1;
/** Milliseconds to the first retry: an issuer that restarts is back soon. */
const FIRST_RETRY_MS = 1_000;
/** Milliseconds between retries at last; with the variation on top it is five minutes. */
const LAST_RETRY_MS = 240_000;
/** Share by which a retry may come later, never sooner. */
const RETRY_JITTER = 0.25;

interface Bounds {
  readonly refreshMinMs: number;
  readonly refreshMaxMs: number;
}

/**
 * Milliseconds until a key set is fetched again.
 * @param freshMs what the issuer's answer allows; undefined when it says nothing.
 * @param random from 0 to 1.
 */
export function refreshDelay(freshMs: number | undefined, bounds: Bounds, random: number): number {
  const wanted = freshMs ?? bounds.refreshMaxMs;
  const within = Math.min(bounds.refreshMaxMs, Math.max(bounds.refreshMinMs, wanted));
  return within * (1 - JITTER + 2 * JITTER * random);
}

/** Milliseconds until the next try after so many failures in a row, at least one. */
export function retryDelay(failures: number, random: number): number {
  const doubled = FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16);
  return Math.min(LAST_RETRY_MS, doubled) * (1 + RETRY_JITTER * random);
}
