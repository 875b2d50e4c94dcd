import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { foreignJson } from '../lib/foreign-text.ts';
import { algorithmsFor, otherNames } from './algorithms.ts';
import { KeyError } from './key-error.ts';
import { type PublicKey, publicKeyFrom } from './public-key.ts';

/** Keys of a set. Identity providers publish a few dozen at most, with the keys of all tenants. */
const MAX_ENTRIES = 1000;
/**
 * Bytes of a kid. Thumbprints have 43 to 64, and URLs of keys in clouds and DIDs up to 200. Tokens with a much longer
 * one would fill their request's head.
 */
const MAX_KID = 1024;
/** The members that only private and secret keys have (RFC 7518 §6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

export interface ParsedKeySet {
  /** Never empty. */
  readonly keys: readonly PublicKey[];
  /** One sentence for each entry that is ignored. */
  readonly warnings: readonly string[];
}

type Entry = Readonly<Record<string, unknown>>;

export interface PublishedKeySet {
  /** May be empty. */
  readonly keys: readonly PublicKey[];
  /** One sentence for each entry that is ignored. None holds key material. */
  readonly ignored: readonly string[];
}

/**
 * Reads a JSON Web Key Set (RFC 7517 §5) from the user's own file. An entry that must not be published, such as a
 * private key, makes the whole set unusable. Throws KeyError.
 */
export function parseJwks(text: string): ParsedKeySet {
  const keys: PublicKey[] = [];
  const warnings: string[] = [];
  const entries = readEntries(text).map(checkEntry);
  entries.forEach((entry, index) => {
    const result = readKey(entry, nameOf(entry, index));
    if (typeof result === 'string') warnings.push(result);
    else keys.push(result);
  });
  const seen = new Set<string>();
  for (const key of keys) refuseTwin(key, seen);
  if (keys.length === 0) {
    throw new KeyError('holds no usable key; must hold at least one public key for signatures');
  }
  return { keys, warnings };
}

/**
 * Reads a key set that an issuer publishes. An entry that must not be used is ignored, and the other entries count.
 * Yields after each entry, which takes up to 0.2 ms, so that the caller can let other work run. Throws KeyError when
 * the text is not a key set.
 */
export function* readPublishedJwks(text: string): Generator<void, PublishedKeySet, void> {
  const keys: PublicKey[] = [];
  const ignored: string[] = [];
  const seen = new Set<string>();
  for (const [index, value] of readEntries(text).entries()) {
    try {
      const entry = checkEntry(value, index);
      const result = readKey(entry, nameOf(entry, index));
      if (typeof result === 'string') ignored.push(result);
      else {
        // The first key counts: a set must not lose a key because a second one of its name is added.
        refuseTwin(result, seen);
        keys.push(result);
      }
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      ignored.push(`keys[${index}] is ignored: the set ${error.message}`);
    }
    yield;
  }
  return { keys, ignored };
}

function readEntries(text: string): readonly unknown[] {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    throw new KeyError('is not JSON; must be a JWKS such as {"keys": [...]}');
  }
  const entries = isEntry(set) ? set['keys'] : undefined;
  if (!Array.isArray(entries)) {
    throw new KeyError('is not a key set; must be a JWKS such as {"keys": [...]}');
  }
  if (entries.length > MAX_ENTRIES) {
    throw new KeyError(`holds ${entries.length} keys; must hold at most ${MAX_ENTRIES}`);
  }
  return entries;
}

function checkEntry(entry: unknown, index: number): Entry {
  if (!isEntry(entry)) throw new KeyError(`has an entry keys[${index}] that is no object; must be a JWK`);
  for (const member of ['kid', 'alg', 'use'] as const) {
    if (entry[member] !== undefined && typeof entry[member] !== 'string') {
      throw new KeyError(`has a "${member}" in keys[${index}] that is no text; must be one (RFC 7517 §4)`);
    }
  }
  return entry;
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Why an entry is ignored; undefined when it is not. Entries for other purposes or of unknown types are no errors (RFC
 * 7517 §5).
 */
function whyUnusable(entry: Entry): string | undefined {
  const { kid, kty, crv, use, alg, key_ops: operations } = entry;
  if (typeof kid === 'string' && Buffer.byteLength(kid) > MAX_KID) {
    return `its "kid" has ${Buffer.byteLength(kid)} bytes, and at most ${MAX_KID} are taken`;
  }
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return 'its "kty" is not RSA, EC or OKP';
  if (use !== undefined && use !== 'sig') return 'its "use" is not sig';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'its "key_ops" does not include verify';
  }
  const fitting = algorithmsFor(kty, typeof crv === 'string' ? crv : undefined);
  if (fitting.length === 0) return 'its "crv" is not P-256, P-384, P-521, Ed25519 or Ed448';
  if (typeof alg === 'string' && !fitting.includes(alg)) return `its "alg" is not ${fitting.join(', ')}`;
  return undefined;
}

/** The key of an entry, or the sentence that says why the entry is ignored. Throws KeyError. */
function readKey(entry: Entry, name: string): PublicKey | string {
  if (entry['kty'] === 'oct') {
    throw new KeyError(`holds a secret key in ${name}; must hold public keys only`);
  }
  const [first, ...more] = PRIVATE_MEMBERS.filter((member) => member in entry);
  if (first !== undefined) {
    if ([first, ...more].some((member) => entry[member] !== null)) {
      throw new KeyError(`holds a private key in ${name}; must hold public keys only`);
    }
    throw new KeyError(
      `has "${first}": null in ${name}, a private member without a value; must leave it out, as every public key does`,
    );
  }
  const obstacle = whyUnusable(entry);
  if (obstacle !== undefined) return `${name} is ignored: ${obstacle}`;
  const { kty, n, e, crv, x, y, kid, alg } = entry;
  let key: ReturnType<typeof createPublicKey>;
  try {
    // Passes on the members of a public key only.
    const members = kty === 'RSA' ? { n, e } : kty === 'EC' ? { crv, x, y } : { crv, x };
    key = createPublicKey({ key: { kty, ...members } as JsonWebKey, format: 'jwk' });
  } catch {
    throw new KeyError(`holds a key that cannot be read in ${name}; must be a public key (RFC 7518 §6)`);
  }
  let parsed: PublicKey;
  try {
    parsed = publicKeyFrom(key, kid as string | undefined);
  } catch (error) {
    if (error instanceof KeyError) throw new KeyError(`in ${name} ${error.message}`);
    throw error;
  }
  if (typeof alg !== 'string') return parsed;
  const names = [alg, ...otherNames(alg)];
  return { ...parsed, algorithms: parsed.algorithms.filter((one) => names.includes(one)) };
}

/** `kid` and `alg` of a token must select one key. With two, their order in the set would decide. */
function refuseTwin({ kid, algorithms }: PublicKey, seen: Set<string>): void {
  if (kid === undefined) return;
  const names = algorithms.map((algorithm) => JSON.stringify([kid, algorithm]));
  const twin = names.findIndex((name) => seen.has(name));
  if (twin >= 0) {
    throw new KeyError(
      `holds two keys with kid ${foreignJson(kid, MAX_SHOWN)} for ${algorithms[twin]}; must hold one`,
    );
  }
  for (const name of names) seen.add(name);
}

function nameOf(entry: Entry, index: number): string {
  return typeof entry['kid'] === 'string'
    ? `keys[${index}] (kid ${foreignJson(entry['kid'], MAX_SHOWN)})`
    : `keys[${index}]`;
}

/** Characters of a kid that a message shows. */
const MAX_SHOWN = 64;
