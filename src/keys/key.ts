/** A public key (or an HMAC secret) with which signatures are verified. */
export interface VerificationKey {
  /** Equal for equal key material and algorithm list: names the key in batches sent to verification threads. */
  readonly id: string;
  /** `kid` of the key set entry; undefined for PEM and secrets, which then fit every `kid`. */
  readonly kid: string | undefined;
  /** JOSE algorithm names for which this key may be used; never empty. */
  readonly algorithms: readonly string[];
  /** SPKI PEM for asymmetric keys, the secret itself for HMAC. Never printed. */
  readonly material:
    | { readonly kind: 'public'; readonly pem: string }
    | { readonly kind: 'secret'; readonly secret: string };
}
