/** A public key (or an HMAC secret) with which signatures are verified. */
export interface VerificationKey {
  /** Equal for equal key material and algorithm list: names the key in batches sent to verification threads. */
  readonly id: string;
  /** `kid` of the key set entry; undefined for PEM and secrets, which then fit every `kid`. */
  readonly kid: string | undefined;
  /** JOSE algorithm names for which this key may be used; never empty. */
  readonly algorithms: readonly string[];
  /** SPKI PEM for asymmetric keys; for HMAC the secret itself, a text or base64 of bytes. Never printed. */
  readonly material:
    | { readonly kind: 'public'; readonly pem: string }
    | { readonly kind: 'secret'; readonly secret: string; readonly encoding?: 'base64' };
}

/** The keys one of which may have signed a token, and the algorithm to verify with. The token never chooses the algorithm. */
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
