type HashName = 'sha256' | 'sha384' | 'sha512';

/**
 * The demands of a signature algorithm on its key (RFC 7518 §3.1; RFC 8037 §3.1 for EdDSA, RFC 9864 §2.2 for its curves).
 */
export interface Algorithm {
  readonly name: string;
  /** `kty` of its keys (RFC 7518 §6.1). */
  readonly kty: 'RSA' | 'EC' | 'OKP' | 'oct';
  /** The curves of its keys; undefined when keys have no curve. */
  readonly curves?: readonly string[];
  /** Undefined on Edwards curves, which determine their hash. */
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

/** Every algorithm that a configuration can allow, by its JOSE name. `none` is not among them. */
export const algorithms: ReadonlyMap<string, Algorithm> = new Map(table.map((entry) => [entry.name, entry]));

/** Whether the algorithm is an HMAC, whose key is a shared secret. Its signatures are cheap to verify. */
export function isSymmetric(name: string): boolean {
  return algorithms.get(name)?.kty === 'oct';
}

/**
 * The values of `alg` that tokens may have when these algorithms are allowed. `EdDSA` is the older name of `Ed25519`
 * and `Ed448` (RFC 9864 §4.1): where one is allowed, so is the other. The key decides on the curve.
 */
export function tokenAlgorithms(allowed: readonly string[]): readonly string[] {
  const names = allowed.flatMap((name) => [name, ...otherNames(name)]);
  return names.filter((name, index) => names.indexOf(name) === index);
}

/** The other names of the algorithm: the same key makes the same signatures under them. */
export function otherNames(name: string): readonly string[] {
  if (algorithms.get(name)?.kty !== 'OKP') return [];
  return name === 'EdDSA' ? ['Ed25519', 'Ed448'] : ['EdDSA'];
}

/** The names of the algorithms for a key of this type and curve. */
export function algorithmsFor(kty: string, curve: string | undefined): readonly string[] {
  return table
    .filter((entry) => entry.kty === kty && (entry.curves?.includes(curve ?? '') ?? true))
    .map((entry) => entry.name);
}

const hashBytes: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** The least number of bytes in an HMAC secret: as many as the hash has (RFC 7518 §3.2). 0 for other algorithms. */
export function minimumSecretBytes(name: string): number {
  const algorithm = algorithms.get(name);
  return algorithm?.kty === 'oct' && algorithm.hash !== undefined ? hashBytes[algorithm.hash] : 0;
}
