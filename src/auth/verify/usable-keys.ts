import { tokenAlgorithms } from '../../keys/algorithms.ts';
import type { VerificationKey } from '../../keys/key.ts';
import type { Issuer } from '../policy/issuer.ts';
import { assertFits, type SignatureVerifier } from './signature.ts';

/**
 * Keys that are parsed when they are put in force, some 0.1 ms each and for each algorithm: most sets have fewer, and a
 * key that cannot be used is seen at once. Those of a larger set are parsed when a token first names them, so that a set
 * of a thousand that changes keeps no request waiting.
 */
const PARSED_AT_ONCE = 16;
/**
 * Parsed keys kept for each one in force. Twice as many, so that those which have gone do not push out the present
 * ones at once.
 */
const ROOM_FOR_EACH = 2;

/**
 * A key that no thread could use would answer every one of its tokens wrongly; it must not get that far. Throws, without
 * any key material.
 */
export function assertUsable(
  verifier: SignatureVerifier,
  issuer: string,
  allowed: readonly string[],
  keys: readonly VerificationKey[],
): void {
  const names = tokenAlgorithms(allowed);
  for (const [index, key] of keys.entries()) {
    for (const algorithm of names) {
      if (!key.algorithms.includes(algorithm)) continue;
      try {
        if (index < PARSED_AT_ONCE) verifier.prepare({ algorithm, keys: [key] });
        else assertFits(key, algorithm);
      } catch {
        throw new Error(`issuer ${issuer}: a key cannot be used with ${algorithm}`);
      }
    }
  }
}

/** See `SignatureVerifier.room`. */
export function roomFor(issuers: Iterable<Issuer>): number {
  let keys = 0;
  for (const issuer of issuers) keys += issuer.keyCount;
  return keys * ROOM_FOR_EACH;
}
