/** A public key or an HMAC secret with which signatures are verified. */
export interface VerificationKey {
  /** The same for the same material and algorithms. Names the key in batches for verification threads. */
  readonly id: string;
  /** `kid` in the key set; undefined for PEM and secrets, which fit every `kid`. */
  readonly kid: string | undefined;
  /** JOSE names of the algorithms for which this key may be used; never empty. */
  readonly algorithms: readonly string[];
  /** SPKI PEM of a public key; for HMAC the secret itself, as text or as base64 of its bytes. Never logged. */
  readonly material:
    | { readonly kind: 'public'; readonly pem: string }
    | { readonly kind: 'secret'; readonly secret: string; readonly encoding?: 'base64' };
}

/**
 * The keys one of which may have signed a token, and the algorithm to verify with. The token never chooses the
 * algorithm.
 */
export interface KeyChoice {
  readonly algorithm: string;
  readonly keys: readonly VerificationKey[];
}

/** Whether two keys are the same key. Ids alone do not prove it. */
export function isSameMaterial(a: VerificationKey['material'], b: VerificationKey['material']): boolean {
  if (a === b) return true;
  if (a.kind === 'public') return b.kind === 'public' && a.pem === b.pem;
  return b.kind === 'secret' && a.secret === b.secret && a.encoding === b.encoding;
}
