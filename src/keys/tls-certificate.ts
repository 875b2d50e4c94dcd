/** A certificate with its chain and its private key, as a TLS server needs them (RFC 8446 §4.4.2). */
export interface ServerCertificate {
  /** See `certificateNames`. */
  readonly names: readonly string[];
  /** Type of the key: `rsa`, `ec`, `ed25519`. A client's signature algorithms decide between certificates of two types. */
  readonly keyType: string;
  /** PEM: the server's own certificate first, then those that issued it. */
  readonly cert: string;
  /** PEM of PKCS#8, not encrypted. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly validFrom: number;
  readonly validTo: number;
}
