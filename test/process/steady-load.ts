/** Milliseconds within which a few thousand requests must be through. */
const PASS_MS = 60_000;

/** Clients that send one request after another until they are stopped, and what has become of the requests. */
export class SteadyLoad {
  /** Correct responses. */
  correct = 0;
  /** Failures by kind. */
  readonly failures: Record<string, number> = {};
  /** Connections that ended before their handshake did, so that no request was sent. */
  handshakesRefused = 0;
  protected stopping = false;
  #failed = 0;
  readonly #underWay = new Set<object>();
  #ends: readonly Promise<void>[] = [];

  /** Clients at a time. */
  get size(): number {
    return this.#ends.length;
  }

  /** Resolves when `count` more requests have a response, or have failed. */
  async pass(count: number): Promise<void> {
    const goal = this.correct + this.#failed + count;
    const deadline = performance.now() + PASS_MS;
    while (this.correct + this.#failed < goal) {
      if (performance.now() > deadline) {
        throw new Error(`clients hang: ${this.correct} responses, ${JSON.stringify(this.failures)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Resolves when every request that is under way now has a response, or has failed. */
  async turnOver(): Promise<void> {
    const before = [...this.#underWay];
    const deadline = performance.now() + PASS_MS;
    while (before.some((request) => this.#underWay.has(request))) {
      if (performance.now() > deadline) throw new Error('clients hang');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Sends no more; resolves when every current request has ended. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.#ends);
  }

  /** Begins as many clients; `live` runs each of them until `stopping`. */
  protected begin(clients: number, live: () => Promise<void>): void {
    this.#ends = Array.from({ length: clients }, live);
  }

  /** A request is under way. @returns ends it. */
  protected track(): () => void {
    const request = {};
    this.#underWay.add(request);
    return () => void this.#underWay.delete(request);
  }

  protected fail(what: string): void {
    this.#failed += 1;
    this.failures[what] = (this.failures[what] ?? 0) + 1;
  }
}
