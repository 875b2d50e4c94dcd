import { type KeyChoice, SignatureVerifier } from './signature.ts';

/** Tokens to verify in one go; token `i` is checked with `choices[choiceOf[i]]`. */
export interface VerificationBatch {
  readonly tokens: readonly string[];
  readonly choices: readonly KeyChoice[];
  readonly choiceOf: readonly number[];
  /** Parsed keys that the thread may keep. */
  readonly room: number;
}

/** A thread's prepared keys outlive its batches; a thread has nothing else to keep. */
const verifier = new SignatureVerifier();

/** Runs on a verification thread. One character per token, `1` for a good signature: the cheapest thing to clone. */
export function verifyBatch({ tokens, choices, choiceOf, room }: VerificationBatch): string {
  verifier.room = room;
  let verdicts = '';
  for (const [at, token] of tokens.entries()) {
    verdicts += verifier.verify(token, choices[choiceOf[at] as number] as KeyChoice) ? '1' : '0';
  }
  return verdicts;
}
