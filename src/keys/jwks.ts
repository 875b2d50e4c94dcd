import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { algorithmsFor } from './algorithms.ts';
import { KeyError } from './key-error.ts';
import { type PublicKey, publicKeyFrom } from './public-key.ts';

/** Identity providers publish a few dozen at most, the keys of all tenants included. */
const MAX_ENTRIES = 1000;
/** Members of RFC 7518 §6 that only a private or a secret key has. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

export interface ParsedKeySet {
  /** Never empty. */
  readonly keys: readonly PublicKey[];
  /** One sentence for each entry that was left out. */
  readonly warnings: readonly string[];
}

type Entry = Readonly<Record<string, unknown>>;

/** Reads a JSON Web Key Set (RFC 7517 §5) of public keys. Throws KeyError. */
export function parseJwks(text: string): ParsedKeySet {
  const keys: PublicKey[] = [];
  const warnings: string[] = [];
  readEntries(text).forEach((entry, index) => {
    const name = nameOf(entry, index);
    if (entry['kty'] === 'oct') {
      throw new KeyError(`holds a secret key in ${name}; must hold public keys only`);
    }
    if (PRIVATE_MEMBERS.some((member) => member in entry)) {
      throw new KeyError(`holds a private key in ${name}; must hold public keys only`);
    }
    const obstacle = whyUnusable(entry);
    if (obstacle === undefined) keys.push(readKey(entry, name));
    else warnings.push(`${name} is ignored: ${obstacle}`);
  });
  refuseDuplicates(keys);
  if (keys.length === 0) {
    throw new KeyError('holds no usable key; must hold at least one public key for signatures');
  }
  return { keys, warnings };
}

function readEntries(text: string): readonly Entry[] {
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
  return entries.map((entry: unknown, index) => {
    if (!isEntry(entry)) throw new KeyError(`has an entry keys[${index}] that is no object; must be a JWK`);
    for (const member of ['kid', 'alg', 'use'] as const) {
      if (entry[member] !== undefined && typeof entry[member] !== 'string') {
        throw new KeyError(`has a "${member}" in keys[${index}] that is no text; must be one (RFC 7517 §4)`);
      }
    }
    return entry;
  });
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7517 §5: entries for other purposes or of unknown types are no errors, they are left out. */
function whyUnusable(entry: Entry): string | undefined {
  const { kty, crv, use, alg, key_ops: operations } = entry;
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

function readKey(entry: Entry, name: string): PublicKey {
  const { kty, n, e, crv, x, y, kid, alg } = entry;
  let key: ReturnType<typeof createPublicKey>;
  try {
    // Only the members that make up the public key are handed on.
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
  return typeof alg === 'string' ? { ...parsed, algorithms: [alg] } : parsed;
}

/** A token's `kid` and `alg` must lead to one key, or it depends on their order which of two is asked. */
function refuseDuplicates(keys: readonly PublicKey[]): void {
  const seen = new Set<string>();
  for (const { kid, algorithms } of keys) {
    if (kid === undefined) continue;
    for (const algorithm of algorithms) {
      const name = JSON.stringify([kid, algorithm]);
      if (seen.has(name)) {
        throw new KeyError(`holds two keys with kid ${quote(kid)} for ${algorithm}; must hold one`);
      }
      seen.add(name);
    }
  }
}

function nameOf(entry: Entry, index: number): string {
  return typeof entry['kid'] === 'string' ? `keys[${index}] (kid ${quote(entry['kid'])})` : `keys[${index}]`;
}

/** Longest piece of a kid that is shown; the rest says nothing to a reader. */
const MAX_SHOWN = 64;

function quote(kid: string): string {
  return JSON.stringify(kid.length > MAX_SHOWN ? `${kid.slice(0, MAX_SHOWN)}…` : kid);
}
