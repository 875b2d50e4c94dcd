import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { verifySignature } from 'fast-jwt/src/crypto.js';
import { isSameMaterial, type VerificationKey } from '../../keys/key.ts';

/** The keys of which any one may have signed a token, and the algorithm to check with: never the token's choice. */
export interface KeyChoice {
  readonly algorithm: string;
  readonly keys: readonly VerificationKey[];
}

/**
 * Parsed keys that a table may keep with any number in force, of some 4 KiB each. Beyond that `room` says how many:
 * a set has at most a thousand keys, so there are at most a thousand times as many as issuers.
 */
const LEAST_ROOM = 64;

interface Prepared {
  readonly material: VerificationKey['material'];
  readonly key: KeyObject;
  /** Algorithms that it is known to fit. */
  readonly algorithms: Set<string>;
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
  /** By id, the one that was parsed first at the front. */
  readonly #prepared = new Map<string, Prepared>();
  #room = LEAST_ROOM;

  /**
   * Whether one of the keys has signed a token of three canonical segments with the given algorithm. Throws when a key
   * cannot be used with that algorithm at all, which is a fault of the key set and not of the token.
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
        // Not signed by this key. What the library says about it is not for clients, nor for logs.
      }
    }
    return false;
  }

  /**
   * How many parsed keys are kept: at least as many as are in force, or tokens that name one after the other would have
   * each parsed anew.
   */
  set room(keys: number) {
    this.#room = Math.max(LEAST_ROOM, keys);
  }

  /** Makes the keys ready; throws an Error without any key material when one does not fit the algorithm. */
  prepare(choice: KeyChoice): void {
    for (const key of choice.keys) this.#prepare(key, choice.algorithm);
  }

  #prepare(key: VerificationKey, algorithm: string): KeyObject {
    const { material } = key;
    const known = this.#prepared.get(key.id);
    // The id only finds the key; that it is the same one is never taken on trust.
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
    while (this.#prepared.size >= this.#room) {
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
 * Throws, without any key material, when the key is not of the kind for this algorithm or is not allowed for it. Costs
 * next to nothing: whether the key itself can be read was found out where it came from, and is again when it is used.
 */
export function assertFits(key: VerificationKey, algorithm: string): void {
  // RS/HS confusion (CVE-2023-48223 and its successors): a public key is never an HMAC secret, nor the reverse.
  if (isHmac(algorithm) !== (key.material.kind === 'secret') || !key.algorithms.includes(algorithm)) {
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

/** The library knows the Edwards curves by their older name alone; the key says which curve it is. */
const libraryName = (algorithm: string): string => (algorithm.startsWith('Ed') ? 'EdDSA' : algorithm);
