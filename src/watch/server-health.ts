import type { HealthConfig } from '../config/upstream-config.ts';
import type { CheckResult } from './check.ts';

/** The last check of a server. */
export interface LastCheck {
  readonly result: CheckResult;
  /** Wall-clock milliseconds of its end. */
  readonly at: number;
  /** Milliseconds that it took. */
  readonly tookMs: number;
}

/**
 * Whether a server is healthy, as its checks show: unhealthy after `fall` failures in a row, healthy again after `rise`
 * successes in a row. It is healthy at first, so that a new server is used at once.
 */
export class ServerHealth {
  healthy = true;
  /** Wall-clock milliseconds of the last change. */
  since: number;
  last: LastCheck | undefined;
  /** Checks in a row with the result of the last one. */
  inRow = 0;

  constructor(now: number) {
    this.since = now;
  }

  /** Takes the result of a check. @returns whether the server has become healthy or unhealthy. */
  take(last: LastCheck, { rise, fall }: Pick<HealthConfig, 'rise' | 'fall'>): boolean {
    this.inRow = this.last?.result.ok === last.result.ok ? this.inRow + 1 : 1;
    this.last = last;
    const { ok } = last.result;
    if (ok === this.healthy || this.inRow < (ok ? rise : fall)) return false;
    this.healthy = ok;
    this.since = last.at;
    return true;
  }
}
