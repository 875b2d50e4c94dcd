import type { Pending, Permit, Rejection, VerdictWaiter } from '../verdict.ts';

interface KeyWaitOptions {
  /** Resolves when the issuer has answered or failed; never rejects. */
  readonly newer: Promise<void>;
  /** The verdict for the token with the keys that are then present. */
  readonly judge: () => Permit | Rejection | Pending;
  readonly waiter: VerdictWaiter;
  /** Called once, when the wait is over or cancelled. */
  readonly onEnd: () => void;
}

/**
 * The wait of one request for a key that is not known yet. Its token is judged once more when newer keys may be there.
 */
export class KeyWait implements Pending {
  readonly kind = 'pending';
  readonly #options: KeyWaitOptions;
  #cancelled = false;
  #waits = true;
  /** The verification with the newer keys. */
  #verification: Pending | undefined;

  constructor(options: KeyWaitOptions) {
    this.#options = options;
    void options.newer.then(() => this.#judgeAgain());
  }

  cancel(): void {
    this.#cancelled = true;
    this.#end();
    this.#verification?.cancel();
  }

  #judgeAgain(): void {
    this.#end();
    if (this.#cancelled) return;
    const verdict = this.#options.judge();
    if (verdict.kind === 'pending') this.#verification = verdict;
    else this.#options.waiter.onVerdict(verdict);
  }

  #end(): void {
    if (this.#waits) this.#options.onEnd();
    this.#waits = false;
  }
}
