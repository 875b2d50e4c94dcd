import { KEEP_MARGIN_SECONDS } from '../../http/h1/framing.ts';
import { wholeTicks } from '../ticks.ts';
import type { ResponseHead } from './response-head.ts';

/** How long a connection is kept without a request, and how much it carries: as configured, and no more than upstream says. */
export class Keeping {
  /** Ticks that it may be idle. */
  ticks: number;
  /** Requests that it may carry at a time. */
  depth: number;
  readonly #mostTicks: number;

  constructor(ticks: number, depth: number) {
    this.ticks = ticks;
    this.#mostTicks = ticks;
    this.depth = depth;
  }

  /** What upstream says counts until it says something else. */
  heed({ keepSeconds, keepRequests }: ResponseHead): void {
    if (keepSeconds !== Infinity)
      this.ticks = Math.min(this.#mostTicks, wholeTicks(keepSeconds - KEEP_MARGIN_SECONDS));
    if (keepRequests < this.depth) this.depth = keepRequests;
  }
}
