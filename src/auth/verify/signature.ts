import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { verifySignature } from 'fast-jwt/src/crypto.js';
import { isSymmetric } from '../../keys/algorithms.ts';
import { isSameMaterial, type KeyChoice, type VerificationKey } from '../../keys/key.ts';

/**
 * Parsed keys that a verifier always may keep, of some 4 KiB each. `keyCapacity` can only raise the number. A key set
 * has at most a thousand keys, which bounds the number by a thousand for each issuer.
 */
const MIN_KEY_CAPACITY = 64;

interface Prepared {
  readonly material: VerificationKey['material'];
  readonly key: KeyObject;
  /** Algorithms that the key was found to fit. */
  readonly algorithms: Set<string>;
}

/**
 * Verifies signatures and nothing else. The shape of the token must have been checked before: fast-jwt's signature
 * function alone accepts any spelling of base64. The rest of fast-jwt's verifier is not used. It would read header and
 * payload a second time, which takes 4 of its 26 µs for RS256, and find nothing new.
 */
export class SignatureVerifier {
  /** By id, in the order in which they were parsed. */
  readonly #prepared = new Map<string, Prepared>();
  #keyCapacity = MIN_KEY_CAPACITY;

  /**
   * Whether one of the keys has signed the token.
   * @param token three canonical segments.
   * @throws when a key cannot be used with the algorithm: a fault of the key set, not of the token.
   */
  verify(token: string, choice: KeyChoice): boolean {
    const end = token.lastIndexOf('.');
    const input = token.slice(0, end);
    const signature = token.slice(end + 1);
    const name = libraryName(choice.algorithm);
    for (const key of choice.keys) {
      const prepared = this.#prepare(key, choice.algorithm);
      try {
        if (verifySignature(name, prepared, input, signature)) return true;
      } catch {
        // Not signed by this key. The library's error is neither for clients nor for logs.
      }
    }
    return false;
  }

  /**
   * How many parsed keys are kept. With fewer than there are in force, tokens that name the keys in turn would have
   * each key parsed again.
   */
  set keyCapacity(keys: number) {
    this.#keyCapacity = Math.max(MIN_KEY_CAPACITY, keys);
  }

  /** Parses the keys. Throws an Error without key material when a key does not fit the algorithm. */
  prepare(choice: KeyChoice): void {
    for (const key of choice.keys) this.#prepare(key, choice.algorithm);
  }

  #prepare(key: VerificationKey, algorithm: string): KeyObject {
    const { material } = key;
    const known = this.#prepared.get(key.id);
    // The id only finds the key. Equal ids do not prove equal keys.
    const isKnown = known !== undefined && isSameMaterial(known.material, material);
    if (isKnown && known.algorithms.has(algorithm)) return known.key;
    assertFits(key, algorithm);
    const parsed = isKnown ? known.key : parse(material, algorithm);
    assertLibraryTakes(material, algorithm);
    if (isKnown) {
      known.algorithms.add(algorithm);
      return parsed;
    }
    this.#prepared.delete(key.id);
    while (this.#prepared.size >= this.#keyCapacity) {
      for (const oldest of this.#prepared.keys()) {
        this.#prepared.delete(oldest);
        break;
      }
    }
    this.#prepared.set(key.id, { material, key: parsed, algorithms: new Set([algorithm]) });
    return parsed;
  }
}

/**
 * Throws, without key material, when the key is not of the algorithm's kind or is not allowed for it. Does not parse
 * the key and costs next to nothing.
 */
export function assertFits(key: VerificationKey, algorithm: string): void {
  // RS/HS confusion (CVE-2023-48223 and its successors): a public key is never an HMAC secret, and the reverse.
  if (isSymmetric(algorithm) !== (key.material.kind === 'secret') || !key.algorithms.includes(algorithm)) {
    throw new Error(`a key cannot be used with ${algorithm}`);
  }
}

function parse(material: VerificationKey['material'], algorithm: string): KeyObject {
  try {
    const given = givenOf(material);
    return typeof given === 'string' ? createPublicKey(given) : createSecretKey(given);
  } catch {
    // The library's message may quote the key.
    throw new Error(`a key cannot be used with ${algorithm}`);
  }
}

function assertLibraryTakes(material: VerificationKey['material'], algorithm: string): void {
  try {
    createVerifier({ key: givenOf(material), algorithms: [libraryName(algorithm) as 'RS256'], cache: false });
  } catch {
    throw new Error(`a key cannot be used with ${algorithm}`);
  }
}

const givenOf = (material: VerificationKey['material']): string | Buffer =>
  material.kind === 'public' ? material.pem : Buffer.from(material.secret, material.encoding ?? 'utf8');

/** The library knows the Edwards curves only by their older name. The key decides on the curve. */
const libraryName = (algorithm: string): string => (algorithm.startsWith('Ed') ? 'EdDSA' : algorithm);
