import { createHash } from 'node:crypto';
import type { VerificationKey } from './key.ts';
import type { PublicKey } from './public-key.ts';

/** The key with those of the issuer's algorithms that it can verify; undefined when there are none. */
export function fitPublicKey(key: PublicKey, allowed: readonly string[]): VerificationKey | undefined {
  const algorithms = allowed.filter((name) => key.algorithms.includes(name));
  if (algorithms.length === 0) return undefined;
  return {
    id: idOf('public', key.pem, algorithms),
    kid: key.kid,
    algorithms,
    material: { kind: 'public', pem: key.pem },
  };
}

/** The verification key of a secret; `algorithms` are HMAC ones, and `checkSecret` has been passed. */
export function fitSecret(secret: string, algorithms: readonly string[]): VerificationKey {
  return {
    id: idOf('secret', secret, algorithms),
    kid: undefined,
    algorithms,
    material: { kind: 'secret', secret },
  };
}

/** One way: the id appears in messages between threads and must not give a secret away. */
function idOf(kind: string, material: string, algorithms: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, material, [...algorithms].sort()]))
    .digest('base64url');
}
