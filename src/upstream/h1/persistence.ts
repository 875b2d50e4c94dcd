import { KEEP_MARGIN_SECONDS } from '../../http/h1/framing.ts';
import { wholeTicks } from '../ticks.ts';
import type { ResponseHead } from './response-head.ts';

/**
 * How long a connection stays open without a request, and how many requests it carries at a time (RFC 9112 §9.3): as
 * configured, or less if upstream allows less.
 */
export class Persistence {
  /** Ticks that the connection may be idle. */
  ticks: number;
  /** Requests that it may carry at a time. */
  depth: number;
  readonly #mostTicks: number;

  constructor(ticks: number, depth: number) {
    this.ticks = ticks;
    this.#mostTicks = ticks;
    this.depth = depth;
  }

  /** Applies the bounds that a response names. They hold until another response names others. */
  restrict({ keepSeconds, keepRequests }: ResponseHead): void {
    if (keepSeconds !== Infinity)
      this.ticks = Math.min(this.#mostTicks, wholeTicks(keepSeconds - KEEP_MARGIN_SECONDS));
    if (keepRequests < this.depth) this.depth = keepRequests;
  }
}
