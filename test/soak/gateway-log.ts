interface Line {
  readonly level: string;
  readonly message: string;
  readonly address?: string;
}

/** Lines above `info` that are kept for the report. */
const MAX_KEPT = 20;

/** The log of a gateway as it is written. */
export class GatewayLog {
  /** Number of each message above `info`. */
  readonly alarms = new Map<string, number>();
  /** The first line of each message. */
  readonly kept: string[] = [];
  /** Lines that are no JSON. */
  readonly odd: string[] = [];
  #rest = '';
  readonly #waiting = new Set<(line: Line) => void>();

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  /** Calls it with each line from now on; the result ends that. */
  listen(listener: (line: Line) => void): () => void {
    this.#waiting.add(listener);
    return () => void this.#waiting.delete(listener);
  }

  #take(text: string): void {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      this.odd.push(text);
      return;
    }
    if (line.level !== 'info') {
      const before = this.alarms.get(line.message) ?? 0;
      this.alarms.set(line.message, before + 1);
      if (before === 0 && this.kept.length < MAX_KEPT) this.kept.push(text);
    }
    for (const listener of this.#waiting) listener(line);
  }
}
