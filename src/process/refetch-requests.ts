import type { Clock } from '../lib/clock.ts';

/**
 * Milliseconds between two requests for one issuer's keys. The supervisor keeps the issuer's own, longer pace; this
 * bounds the messages that a flood of unknown keys can cause.
 */
const REQUEST_GAP_MS = 1_000;

interface Asked {
  readonly done: Promise<void>;
  readonly resolve: () => void;
}

/** Asks the supervisor for newer keys when a token has an unknown one. */
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
    const pending = this.#asked.get(issuer);
    if (pending !== undefined) return pending.done;
    const now = this.#clock.monotonic();
    if (now < (this.#mayAskAt.get(issuer) ?? 0)) return undefined;
    this.#mayAskAt.set(issuer, now + REQUEST_GAP_MS);
    let resolve: () => void = () => {};
    const done = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#asked.set(issuer, { done, resolve });
    this.#ask(issuer);
    return done;
  }

  /** The supervisor has fetched, or tried to. */
  settle(issuer: string): void {
    this.#asked.get(issuer)?.resolve();
    this.#asked.delete(issuer);
  }

  /** The supervisor is gone. */
  giveUp(): void {
    for (const issuer of [...this.#asked.keys()]) this.settle(issuer);
  }
}
