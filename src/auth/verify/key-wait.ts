import type { Pending, Permit, Rejection, VerdictWaiter } from '../verdict.ts';

interface KeyWaitOptions {
  /** Resolves when keys have been asked for; never rejects. */
  readonly newer: Promise<void>;
  /** Judges the token with the keys of then. */
  readonly judge: () => Permit | Rejection | Pending;
  readonly waiter: VerdictWaiter;
  /** Called once, when nothing waits for keys any more. */
  readonly left: () => void;
}

/** A token whose key is not known yet: it is judged again, once, when its issuer has been asked for newer keys. */
export class KeyWait implements Pending {
  readonly kind = 'pending';
  readonly #options: KeyWaitOptions;
  #cancelled = false;
  #waits = true;
  /** The verification that followed. */
  #next: Pending | undefined;

  constructor(options: KeyWaitOptions) {
    this.#options = options;
    void options.newer.then(() => this.#goOn());
  }

  cancel(): void {
    this.#cancelled = true;
    this.#leave();
    this.#next?.cancel();
  }

  #goOn(): void {
    this.#leave();
    if (this.#cancelled) return;
    const verdict = this.#options.judge();
    if (verdict.kind === 'pending') this.#next = verdict;
    else this.#options.waiter.onVerdict(verdict);
  }

  #leave(): void {
    if (this.#waits) this.#options.left();
    this.#waits = false;
  }
}
