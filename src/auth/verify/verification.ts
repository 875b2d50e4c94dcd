import type { KeyChoice } from '../../keys/key.ts';

/**
 * `valid`, `invalid`: whether one of the keys has signed the token. `unavailable`: the token was not verified, because
 * the verification failed, is closed, or cannot use a key.
 */
export type VerificationOutcome = 'valid' | 'invalid' | 'unavailable';

/** One token whose signature is to be verified. */
export interface VerificationJob {
  /** Three canonical segments, each checked before; at most 16 KiB. */
  readonly token: string;
  readonly choice: KeyChoice;
  /** Called exactly once, never from within `submit`. Must not throw. */
  settle(outcome: VerificationOutcome): void;
}

/** Verifies signatures, on threads or on the event loop. Jobs wait in a bounded queue. */
export interface Verification {
  /** Jobs that wait. */
  readonly depth: number;
  /** Whether `submit` would take a job now. */
  readonly hasRoom: boolean;
  /** How many parsed keys are kept, see `SignatureVerifier.keyCapacity`. */
  set keyCapacity(keys: number);
  /** Resolves when jobs can be verified; rejects when that is impossible. Jobs submitted earlier wait for it. */
  start(): Promise<void>;
  /** Takes a job. False when there is no room: the job is then never settled. */
  submit(job: VerificationJob): boolean;
  /** Settles every job that waits as `unavailable` and takes no more. Resolves when nothing is left running. */
  close(): Promise<void>;
}
