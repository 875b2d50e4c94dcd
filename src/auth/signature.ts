import { createPublicKey, createSecretKey } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { verifySignature } from 'fast-jwt/src/crypto.js';
import { isSameMaterial, type VerificationKey } from '../keys/key.ts';

/** The keys of which any one may have signed a token, and the algorithm to check with: never the token's choice. */
export interface KeyChoice {
  readonly algorithm: string;
  readonly keys: readonly VerificationKey[];
}

/** Prepared verifiers kept per thread; each holds a parsed key of about 2 KiB. Issuers times keys stay far below. */
const MAX_VERIFIERS = 256;

interface Prepared {
  readonly material: VerificationKey['material'];
  readonly verify: (input: string, signature: string) => boolean;
}

/** Whether the algorithm is an HMAC, cheap enough to check without a thread. */
export function isHmac(algorithm: string): boolean {
  return algorithm.startsWith('HS');
}

/**
 * Checks signatures and nothing else: time, issuer and the shape of the token are decided elsewhere, and decided
 * before, because fast-jwt's own check of a signature, without the rest of its verifier, takes any spelling of base64.
 * That rest reads header and payload a second time, with 4 of its 26 µs for RS256, and finds nothing that is left.
 */
export class SignatureVerifier {
  readonly #prepared = new Map<string, Prepared>();

  /**
   * Whether one of the keys has signed a token of three canonical segments with the given algorithm. Throws when a key
   * cannot be used with that algorithm at all, which is a fault of the key set and not of the token.
   */
  verify(token: string, choice: KeyChoice): boolean {
    const end = token.lastIndexOf('.');
    const input = token.slice(0, end);
    const signature = token.slice(end + 1);
    for (const key of choice.keys) {
      const prepared = this.#prepare(key, choice.algorithm);
      try {
        if (prepared.verify(input, signature)) return true;
      } catch {
        // Not signed by this key. What the library says about it is not for clients, nor for logs.
      }
    }
    return false;
  }

  /** Makes the keys ready; throws an Error without any key material when one does not fit the algorithm. */
  prepare(choice: KeyChoice): void {
    for (const key of choice.keys) this.#prepare(key, choice.algorithm);
  }

  #prepare(key: VerificationKey, algorithm: string): Prepared {
    const { material } = key;
    const name = `${algorithm} ${key.id}`;
    const known = this.#prepared.get(name);
    // The id only finds the verifier; that it is the same key is never taken on trust.
    if (known !== undefined && isSameMaterial(known.material, material)) return known;
    // RS/HS confusion (CVE-2023-48223 and its successors): a public key is never an HMAC secret, nor the reverse.
    if (isHmac(algorithm) !== (material.kind === 'secret') || !key.algorithms.includes(algorithm)) {
      throw new Error(`a key cannot be used with ${algorithm}`);
    }
    const prepared: Prepared = { material, verify: makeVerifier(material, algorithm) };
    if (this.#prepared.size >= MAX_VERIFIERS) {
      for (const oldest of this.#prepared.keys()) {
        this.#prepared.delete(oldest);
        break;
      }
    }
    this.#prepared.set(name, prepared);
    return prepared;
  }
}

function makeVerifier(material: VerificationKey['material'], algorithm: string): Prepared['verify'] {
  // The library knows the Edwards curves by their older name alone; the key says which curve it is.
  const name = algorithm.startsWith('Ed') ? 'EdDSA' : algorithm;
  try {
    const given =
      material.kind === 'public' ? material.pem : Buffer.from(material.secret, material.encoding ?? 'utf8');
    // Throws unless the key is one for this algorithm.
    createVerifier({ key: given, algorithms: [name as 'RS256'], cache: false });
    const key = typeof given === 'string' ? createPublicKey(given) : createSecretKey(given);
    return (input, signature) => verifySignature(name, key, input, signature);
  } catch {
    // The library's message may quote the key.
    throw new Error(`a key cannot be used with ${algorithm}`);
  }
}
