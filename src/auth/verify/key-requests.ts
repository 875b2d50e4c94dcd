import type { Pending, Permit, Rejection, VerdictWaiter } from '../verdict.ts';
import { KeyWait } from './key-wait.ts';

/**
 * Requests that may wait for newer keys. More come only from many clients with unknown keys at one time, which is
 * an attack, or a rotation in which the others are answered as if their key had not come.
 */
const MAX_WAITS = 1024;

/**
 * Asks an issuer for newer keys. Undefined when there is nothing to ask or it was done a moment ago; otherwise resolves,
 * and never rejects, when it is done.
 */
export type Refetch = (issuer: string) => Promise<void> | undefined;

/** Tokens that wait until their issuer has been asked for newer keys. */
export class KeyRequests {
  readonly #refetch: Refetch | undefined;
  #waits = 0;

  constructor(refetch: Refetch | undefined) {
    this.#refetch = refetch;
  }

  /** For a token that names a key which is not known. `judge`: the verdict with the keys of then. */
  wait(
    issuer: string,
    judge: () => Permit | Rejection | Pending,
    waiter: VerdictWaiter,
  ): Pending | undefined {
    const newer = this.#begin(issuer);
    return newer && new KeyWait({ newer, judge, waiter, left: () => this.#leave() });
  }

  /** For a token that none of the keys has signed. Resolves when they have been asked for. */
  ask(issuer: string): Promise<void> | undefined {
    return this.#begin(issuer)?.then(() => this.#leave());
  }

  #begin(issuer: string): Promise<void> | undefined {
    if (this.#waits >= MAX_WAITS) return undefined;
    const newer = this.#refetch?.(issuer);
    if (newer !== undefined) this.#waits += 1;
    return newer;
  }

  #leave(): void {
    this.#waits -= 1;
  }
}
