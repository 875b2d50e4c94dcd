/** Causes of unexpected outcomes. */
export type Trouble = 'upstream a down' | 'upstream b down' | 'roll';

/** From and to, in monotonic milliseconds. */
interface Span {
  readonly from: number;
  to: number;
}

/** The times of each kind of trouble. */
export class Windows {
  readonly #spans = new Map<Trouble, Span[]>();

  /** Opens one; the result closes it. */
  open(trouble: Trouble): () => void {
    const span = { from: performance.now(), to: Number.POSITIVE_INFINITY };
    this.#spans.set(trouble, [...(this.#spans.get(trouble) ?? []), span]);
    return () => {
      span.to = performance.now();
    };
  }

  /** Whether there was any at a time from `from` to `to`, or up to `afterMs` before. */
  overlap(trouble: Trouble, from: number, to: number, afterMs = 0): boolean {
    return (this.#spans.get(trouble) ?? []).some((span) => span.from <= to && span.to + afterMs >= from);
  }
}
