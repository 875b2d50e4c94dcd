import { tokenAlgorithms } from '../../keys/algorithms.ts';
import type { VerificationKey } from '../../keys/key.ts';
import type { Issuer } from '../policy/issuer.ts';
import { assertFits, type SignatureVerifier } from './signature.ts';

/**
 * Keys of a set that are parsed when the set is put in force, 0.1 ms for each key and algorithm. Most sets have fewer,
 * and a key that cannot be used is found at once. The other keys are parsed when a token first names them: a set of a
 * thousand keys must not delay requests when it changes.
 */
const PARSED_AT_ONCE = 16;
/** Parsed keys that are kept for each key in force. With two, removed keys do not displace the present ones at once. */
const KEPT_FOR_EACH = 2;

/**
 * Refuses keys with which no thread could verify: all their tokens would be refused.
 * @param issuer its name in the configuration, for the message.
 * @throws Error without key material.
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

/** How many parsed keys to keep for these issuers, see `SignatureVerifier.keyCapacity`. */
export function keyCapacityFor(issuers: Iterable<Issuer>): number {
  let keys = 0;
  for (const issuer of issuers) keys += issuer.keyCount;
  return keys * KEPT_FOR_EACH;
}
