import type { Clock } from '../../lib/clock.ts';
import type { Candidate } from '../candidate.ts';
import type { Pending, Permit, Rejection, VerdictWaiter } from '../verdict.ts';
import { KeyWait } from './key-wait.ts';

/**
 * Requests that may wait for newer keys at a time. Only an attack, or a rotation with very many clients, has more. The
 * requests beyond it are refused as if the issuer had no newer keys.
 */
const MAX_WAITS = 1024;

/**
 * Asks an issuer for newer keys. Undefined when its keys are not fetched, or when it was asked a moment ago; otherwise
 * resolves, and never rejects, when the issuer has answered or failed.
 */
export type Refetch = (issuer: string) => Promise<void> | undefined;

/** Asks issuers for newer keys on behalf of tokens that the present keys do not verify. */
export class KeyRequests {
  readonly #refetch: Refetch | undefined;
  readonly #clock: Clock;
  #waits = 0;

  constructor(refetch: Refetch | undefined, clock: Clock) {
    this.#refetch = refetch;
    this.#clock = clock;
  }

  /**
   * For a token whose `kid` no key has. Undefined when the issuer cannot be asked now.
   * @param issuer its name in the configuration.
   * @param judge the verdict for the token with the keys that are then present.
   */
  forUnknownKey(
    issuer: string,
    judge: () => Permit | Rejection | Pending,
    waiter: VerdictWaiter,
  ): Pending | undefined {
    const newer = this.#ask(issuer);
    return newer && new KeyWait({ newer, judge, waiter, onEnd: () => this.#end() });
  }

  /**
   * For a token whose signature is wrong: an issuer may have replaced a key by another one of the same `kid`, or of
   * none. Asks only for a token that has not expired, according to its `exp`, and whose algorithm's keys are fetched.
   * Undefined when the issuer cannot be asked now; otherwise resolves, and never rejects, when the issuer has answered
   * or failed.
   */
  forWrongSignature({ issuer, algorithm, expiry }: Candidate): Promise<void> | undefined {
    const isLive = this.#clock.wall() < expiry * 1000 + issuer.config.clockToleranceMs;
    if (issuer.fetchGapMs(algorithm) === undefined || !isLive) return undefined;
    return this.#ask(issuer.config.name)?.then(() => this.#end());
  }

  #ask(issuer: string): Promise<void> | undefined {
    if (this.#waits >= MAX_WAITS) return undefined;
    const newer = this.#refetch?.(issuer);
    if (newer !== undefined) this.#waits += 1;
    return newer;
  }

  #end(): void {
    this.#waits -= 1;
  }
}
