import type { KeyObject } from 'node:crypto';
import { algorithmsFor } from './algorithms.ts';
import { KeyError } from './key-error.ts';

/** A public key of a PEM text or a key set, not yet restricted to the algorithms of an issuer. */
export interface PublicKey {
  readonly kid: string | undefined;
  /**
   * JOSE names of the algorithms that this key can verify; never empty. With `alg` in the key set, only the names of that
   * algorithm.
   */
  readonly algorithms: readonly string[];
  /** SPKI PEM. */
  readonly pem: string;
  /** For messages: `RSA key of 2048 bits`, `EC key on P-256`, `Ed25519 key`. */
  readonly label: string;
}

/** Bits of the shortest modulus that may be used (NIST SP 800-131A, RFC 7518 §3.3). */
const MIN_RSA_BITS = 2048;
/** Bits of the longest modulus with which OpenSSL verifies. With a longer one every token would be refused. */
const MAX_RSA_BITS = 16_384;
/** With exponent 1 every message is its own signature. */
const MIN_RSA_EXPONENT = 3n;

const curveNames: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
  ['secp521r1', 'P-521'],
]);

/** Describes a parsed public key. Throws KeyError for a key that must not be used. */
export function publicKeyFrom(key: KeyObject, kid?: string): PublicKey {
  const { algorithms, label } = describe(key);
  return { kid, algorithms, label, pem: key.export({ type: 'spki', format: 'pem' }).toString() };
}

function describe(key: KeyObject): Pick<PublicKey, 'algorithms' | 'label'> {
  const details = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return describeRsa(details.modulusLength ?? 0, details.publicExponent ?? 0n);
    case 'ec': {
      const curve = curveNames.get(details.namedCurve ?? '');
      if (curve === undefined) {
        throw new KeyError(
          `holds an EC key on the curve ${details.namedCurve ?? 'without a name'}; must be on P-256, P-384 or P-521`,
        );
      }
      return { algorithms: algorithmsFor('EC', curve), label: `EC key on ${curve}` };
    }
    case 'ed25519':
      return { algorithms: algorithmsFor('OKP', 'Ed25519'), label: 'Ed25519 key' };
    case 'ed448':
      return { algorithms: algorithmsFor('OKP', 'Ed448'), label: 'Ed448 key' };
    default:
      // RSASSA-PSS keys (RFC 4055) carry parameters that no verifier here would honour.
      throw new KeyError(
        `holds a key of type ${key.asymmetricKeyType ?? 'unknown'}; must be an RSA, EC, Ed25519 or Ed448 public key`,
      );
  }
}

function describeRsa(bits: number, exponent: bigint): Pick<PublicKey, 'algorithms' | 'label'> {
  if (bits < MIN_RSA_BITS) {
    throw new KeyError(`holds an RSA key of ${bits} bits; must have at least ${MIN_RSA_BITS} bits`);
  }
  if (bits > MAX_RSA_BITS) {
    throw new KeyError(`holds an RSA key of ${bits} bits; must have at most ${MAX_RSA_BITS} bits`);
  }
  if (exponent < MIN_RSA_EXPONENT || exponent % 2n === 0n) {
    throw new KeyError('holds an RSA key with an unsafe public exponent; must be odd and at least 3');
  }
  return { algorithms: algorithmsFor('RSA', undefined), label: `RSA key of ${bits} bits` };
}
