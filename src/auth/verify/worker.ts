import type { KeyChoice } from '../../keys/key.ts';
import { SignatureVerifier } from './signature.ts';

/** Tokens that are verified together. Token `i` is verified with `choices[choiceOf[i]]`. */
export interface VerificationBatch {
  readonly tokens: readonly string[];
  readonly choices: readonly KeyChoice[];
  readonly choiceOf: readonly number[];
  /** Parsed keys that the thread may keep. */
  readonly keyCapacity: number;
}

/** Keeps the parsed keys of this thread from batch to batch. */
const verifier = new SignatureVerifier();

/**
 * Runs on a verification thread. Returns one character for each token, `1` for a good signature: a string is the
 * cheapest thing to copy between threads.
 */
export function verifyBatch({ tokens, choices, choiceOf, keyCapacity }: VerificationBatch): string {
  verifier.keyCapacity = keyCapacity;
  let verdicts = '';
  for (const [at, token] of tokens.entries()) {
    verdicts += verifier.verify(token, choices[choiceOf[at] as number] as KeyChoice) ? '1' : '0';
  }
  return verdicts;
}
