import type { AttemptFailure } from '../../src/upstream/retry.ts';

/** Upstream closed a kept connection while a repeatable request was on its way. */
export const stale: AttemptFailure = {
  reason: 'upstream_reset',
  cause: 'reset',
  sent: 'all',
  responseBegun: false,
  reused: true,
  repeatable: true,
};
