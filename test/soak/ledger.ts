/** Unexplained outcomes that are kept for the report. */
const MAX_KEPT = 20;

/** How the gateway must or may have counted one request. */
export interface Count {
  /** The outcomes that are possible. */
  readonly outcomes: readonly string[];
  /** It has one of them for certain, and not only possibly. */
  readonly isCertain: boolean;
}

/** Every request of a soak, and whether it ended as it should. */
export class Ledger {
  /** Number of requests of each kind by outcome. */
  readonly kinds = new Map<string, Map<string, number>>();
  /** The expected count of the gateway, by possible outcomes. */
  readonly counts = new Map<string, { certain: number; possible: number }>();
  /** The first of them, described. */
  readonly unexplained: string[] = [];
  unexplainedCount = 0;
  /** Requests whose responses came since a worker last reported its counts, which a kill may have lost. */
  lost = 0;
  #losing: number | undefined;
  readonly #say: (line: string) => void;

  /** @param say receives unexplained outcomes at once. */
  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  get total(): number {
    let sum = 0;
    for (const outcomes of this.kinds.values()) for (const count of outcomes.values()) sum += count;
    return sum;
  }

  /** @param counted undefined: not counted, because it never was a request. */
  note(kind: string, outcome: string, counted: Count | undefined): void {
    const outcomes = this.kinds.get(kind) ?? new Map<string, number>();
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    this.kinds.set(kind, outcomes);
    if (this.#losing !== undefined) this.#losing += 1;
    if (counted === undefined) return;
    const key = [...new Set(counted.outcomes)].sort().join(' ');
    const sums = this.counts.get(key) ?? { certain: 0, possible: 0 };
    sums.possible += 1;
    if (counted.isCertain) sums.certain += 1;
    this.counts.set(key, sums);
  }

  blame(kind: string, description: string): void {
    this.note(kind, 'UNEXPLAINED', { outcomes: [], isCertain: false });
    this.unexplainedCount += 1;
    if (this.unexplained.length < MAX_KEPT) {
      this.unexplained.push(`${new Date().toISOString()} ${kind}: ${description}`);
      this.#say(`  UNEXPLAINED: ${this.unexplained.at(-1)}`);
    }
  }

  /** From now on until the result is called, a killed worker loses counts. */
  lose(): () => void {
    this.#losing = 0;
    return () => {
      this.lost += this.#losing ?? 0;
      this.#losing = undefined;
    };
  }
}
