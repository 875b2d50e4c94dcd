/** From and to, in monotonic milliseconds. */
interface Span {
  readonly from: number;
  to: number;
}

/** What may go wrong while something is going on, and for how long after it. */
export type Disturbance = 'upstream-down' | 'listener-killed' | 'listeners-rolled';

/** Unexplained outcomes that are kept for the report. */
const MAX_KEPT = 20;

/** Every request of a soak: what it was, and whether it came to what it should. */
export class Ledger {
  /** How often each kind of request had each outcome. */
  readonly outcomes = new Map<string, Map<string, number>>();
  readonly unexplained: string[] = [];
  #unexplainedCount = 0;
  readonly #spans = new Map<Disturbance, Span[]>();

  /** Begins a disturbance; the result ends it. */
  disturb(what: Disturbance): () => void {
    const span = { from: performance.now(), to: Number.POSITIVE_INFINITY };
    const spans = this.#spans.get(what) ?? [];
    spans.push(span);
    this.#spans.set(what, spans);
    return () => {
      span.to = performance.now();
    };
  }

  /** Whether one was going on at any time from `from` to now, or had ended up to `marginMs` before. */
  overlaps(what: Disturbance, from: number, marginMs = 0): boolean {
    return (this.#spans.get(what) ?? []).some((span) => span.to + marginMs >= from);
  }

  note(kind: string, outcome: string): void {
    const outcomes = this.outcomes.get(kind) ?? new Map<string, number>();
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    this.outcomes.set(kind, outcomes);
  }

  blame(kind: string, what: string): void {
    this.note(kind, 'UNEXPLAINED');
    this.#unexplainedCount += 1;
    if (this.unexplained.length < MAX_KEPT) {
      this.unexplained.push(`${new Date().toISOString()} ${kind}: ${what}`);
    }
  }

  get unexplainedCount(): number {
    return this.#unexplainedCount;
  }

  total(outcome?: string): number {
    let sum = 0;
    for (const outcomes of this.outcomes.values()) {
      for (const [name, count] of outcomes) if (outcome === undefined || name === outcome) sum += count;
    }
    return sum;
  }
}
