import type { Clock } from '../lib/clock.ts';

/**
 * Milliseconds between two asks for one issuer's keys. The supervisor keeps the issuer's own, longer pace; this bounds
 * the messages that a flood of unknown keys can cause.
 */
const ASK_GAP_MS = 1_000;

interface Asked {
  readonly done: Promise<void>;
  readonly resolve: () => void;
}

/** Asks the supervisor for newer keys on behalf of tokens with an unknown one. */
export class RefetchRequests {
  readonly #ask: (issuer: string) => void;
  readonly #clock: Clock;
  readonly #asked = new Map<string, Asked>();
  /** Monotonic milliseconds by issuer. */
  readonly #mayAskAt = new Map<string, number>();

  constructor(ask: (issuer: string) => void, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** See `AuthorizerOptions.refetch`. */
  refetch(issuer: string): Promise<void> | undefined {
    const under = this.#asked.get(issuer);
    if (under !== undefined) return under.done;
    const now = this.#clock.monotonic();
    if (now < (this.#mayAskAt.get(issuer) ?? 0)) return undefined;
    this.#mayAskAt.set(issuer, now + ASK_GAP_MS);
    let resolve: () => void = () => {};
    const done = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#asked.set(issuer, { done, resolve });
    this.#ask(issuer);
    return done;
  }

  /** The supervisor has done what it could. */
  settle(issuer: string): void {
    this.#asked.get(issuer)?.resolve();
    this.#asked.delete(issuer);
  }

  /** No answer will come any more. */
  giveUp(): void {
    for (const issuer of [...this.#asked.keys()]) this.settle(issuer);
  }
}
