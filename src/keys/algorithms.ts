type HashName = 'sha256' | 'sha384' | 'sha512';

/** What a signature algorithm of RFC 7518 §3.1 (RFC 8037 §3.1 for EdDSA, RFC 9864 §2.2 for its curves) asks of its key. */
export interface Algorithm {
  readonly name: string;
  /** `kty` of the keys it can use (RFC 7518 §6.1). */
  readonly kty: 'RSA' | 'EC' | 'OKP' | 'oct';
  /** The only curves it can use; undefined where keys have none. */
  readonly curves?: readonly string[];
  /** Undefined on Edwards curves, to which their hash belongs. */
  readonly hash?: HashName;
}

const table: readonly Algorithm[] = [
  { name: 'RS256', kty: 'RSA', hash: 'sha256' },
  { name: 'RS384', kty: 'RSA', hash: 'sha384' },
  { name: 'RS512', kty: 'RSA', hash: 'sha512' },
  { name: 'PS256', kty: 'RSA', hash: 'sha256' },
  { name: 'PS384', kty: 'RSA', hash: 'sha384' },
  { name: 'PS512', kty: 'RSA', hash: 'sha512' },
  { name: 'ES256', kty: 'EC', curves: ['P-256'], hash: 'sha256' },
  { name: 'ES384', kty: 'EC', curves: ['P-384'], hash: 'sha384' },
  { name: 'ES512', kty: 'EC', curves: ['P-521'], hash: 'sha512' },
  { name: 'EdDSA', kty: 'OKP', curves: ['Ed25519', 'Ed448'] },
  { name: 'Ed25519', kty: 'OKP', curves: ['Ed25519'] },
  { name: 'Ed448', kty: 'OKP', curves: ['Ed448'] },
  { name: 'HS256', kty: 'oct', hash: 'sha256' },
  { name: 'HS384', kty: 'oct', hash: 'sha384' },
  { name: 'HS512', kty: 'oct', hash: 'sha512' },
];

/** Every algorithm that can be allowed, by its JOSE name; `none` is not among them. */
export const algorithms: ReadonlyMap<string, Algorithm> = new Map(table.map((entry) => [entry.name, entry]));

/** Whether the algorithm works with a secret both sides know, not with a public key. */
export function isSymmetric(name: string): boolean {
  return algorithms.get(name)?.kty === 'oct';
}

/**
 * Names that tokens may have in `alg` where these algorithms are allowed. `EdDSA` is the older name of `Ed25519` and
 * `Ed448` (RFC 9864 §4.1): each stands for the other, and the keys alone decide on which curve.
 */
export function tokenAlgorithms(allowed: readonly string[]): readonly string[] {
  const names = allowed.flatMap((name) => [name, ...otherNames(name)]);
  return names.filter((name, index) => names.indexOf(name) === index);
}

/** The other names under which the same key makes the same signatures. */
export function otherNames(name: string): readonly string[] {
  if (algorithms.get(name)?.kty !== 'OKP') return [];
  return name === 'EdDSA' ? ['Ed25519', 'Ed448'] : ['EdDSA'];
}

/** Names of the algorithms that a key of this type and curve can verify. */
export function algorithmsFor(kty: string, curve: string | undefined): readonly string[] {
  return table
    .filter((entry) => entry.kty === kty && (entry.curves?.includes(curve ?? '') ?? true))
    .map((entry) => entry.name);
}

const hashBytes: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** Bytes an HMAC secret must have at least: those of the hash (RFC 7518 §3.2). 0 for other algorithms. */
export function minimumSecretBytes(name: string): number {
  const algorithm = algorithms.get(name);
  return algorithm?.kty === 'oct' && algorithm.hash !== undefined ? hashBytes[algorithm.hash] : 0;
}
