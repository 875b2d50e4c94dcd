import { KEEP_MARGIN_SECONDS } from '../../http/h1/framing.ts';
import { wholeTicks } from '../ticks.ts';
import type { ResponseHead } from './response-head.ts';

/**
 * How long a connection stays open without a request, and how many requests it carries at a time (RFC 9112 §9.3): as
 * configured, and no more than upstream allows.
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

  /** Applies what a response says; it holds until another one says something else. */
  restrict({ keepSeconds, keepRequests }: ResponseHead): void {
    if (keepSeconds !== Infinity)
      this.ticks = Math.min(this.#mostTicks, wholeTicks(keepSeconds - KEEP_MARGIN_SECONDS));
    if (keepRequests < this.depth) this.depth = keepRequests;
  }
}
