/** Share by which a time between refreshes varies, so that gateways started together do not fetch together. */
const JITTER = 0.1;
/** Milliseconds before the first retry: an issuer that restarts is back soon. */
const FIRST_RETRY_MS = 1_000;
/** Most milliseconds between retries; with the variation on top that is five minutes. */
const LAST_RETRY_MS = 240_000;
/** Share by which a retry may be late; it is never early. */
const RETRY_JITTER = 0.25;

interface Bounds {
  readonly refreshMinMs: number;
  readonly refreshMaxMs: number;
}

/**
 * Milliseconds before a key set is fetched again.
 * @param freshMs milliseconds that the issuer's response allows; undefined when it does not say.
 * @param random from 0 to 1.
 */
export function refreshDelay(freshMs: number | undefined, bounds: Bounds, random: number): number {
  const wanted = freshMs ?? bounds.refreshMaxMs;
  const within = Math.min(bounds.refreshMaxMs, Math.max(bounds.refreshMinMs, wanted));
  return within * (1 - JITTER + 2 * JITTER * random);
}

/** Milliseconds before the next attempt after this many failures in a row, at least one. */
export function retryDelay(failures: number, random: number): number {
  const doubled = FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16);
  return Math.min(LAST_RETRY_MS, doubled) * (1 + RETRY_JITTER * random);
}
