import type { Clock } from '../lib/clock.ts';

/** Wrong secrets of one peer in one span: more than a person mistypes. */
const MAX_FAILED = 10;
/** Milliseconds of a span. */
const SPAN_MS = 60_000;
/** Peers that are counted, some 200 bytes each; a further one takes the place of the oldest. */
const MAX_PEERS = 1_000;

interface Span {
  readonly since: number;
  failed: number;
}

/**
 * Slows down a peer that guesses the secret. It bounds work and no more: a secret has 32 characters at least, so the
 * guesses of any number of peers find none. It counts for each peer alone, so that no stranger keeps operators out.
 */
export class LoginAttempts {
  readonly #clock: Clock;
  readonly #spans = new Map<string, Span>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Seconds that a peer must wait before its next attempt; 0 for none. */
  waitSeconds(peer: string): number {
    const span = this.#current(peer);
    if (span === undefined || span.failed < MAX_FAILED) return 0;
    return Math.max(1, Math.ceil((span.since + SPAN_MS - this.#clock.monotonic()) / 1000));
  }

  failed(peer: string): void {
    const span = this.#current(peer);
    if (span !== undefined) {
      span.failed += 1;
      return;
    }
    const [oldest] = this.#spans.keys();
    if (this.#spans.size >= MAX_PEERS && oldest !== undefined) this.#spans.delete(oldest);
    this.#spans.set(peer, { since: this.#clock.monotonic(), failed: 1 });
  }

  #current(peer: string): Span | undefined {
    const span = this.#spans.get(peer);
    if (span === undefined || this.#clock.monotonic() - span.since < SPAN_MS) return span;
    this.#spans.delete(peer);
    return undefined;
  }
}
