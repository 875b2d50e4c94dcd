import { createHash } from 'node:crypto';
import { tokenAlgorithms } from './algorithms.ts';
import type { VerificationKey } from './key.ts';
import type { PublicKey } from './public-key.ts';

/**
 * Restricts a public key to the allowed algorithms, under each of their names. Undefined when the key fits none of
 * them.
 */
export function fitPublicKey(key: PublicKey, allowed: readonly string[]): VerificationKey | undefined {
  const fitting = allowed.filter((name) => key.algorithms.includes(name));
  const algorithms = tokenAlgorithms(fitting).filter((name) => key.algorithms.includes(name));
  if (algorithms.length === 0) return undefined;
  return {
    id: idOf('public', key.pem, algorithms),
    kid: key.kid,
    algorithms,
    material: { kind: 'public', pem: key.pem },
  };
}

/** The verification key of a secret that `checkSecret` has accepted. `algorithms`: HMAC algorithms. */
export function fitSecret(secret: string | Buffer, algorithms: readonly string[]): VerificationKey {
  const isText = typeof secret === 'string';
  const text = isText ? secret : secret.toString('base64');
  return {
    id: idOf(isText ? 'secret' : 'secret-bytes', text, algorithms),
    kid: undefined,
    algorithms,
    material: { kind: 'secret', secret: text, ...(isText ? {} : { encoding: 'base64' }) },
  };
}

/** A hash, because ids travel between threads and must not reveal a secret. */
function idOf(kind: string, material: string, algorithms: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, material, [...algorithms].sort()]))
    .digest('base64url');
}
