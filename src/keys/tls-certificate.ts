/** A certificate with its chain and its private key, as a TLS server needs them (RFC 8446 §4.4.2). */
export interface ServerCertificate {
  /** See `certificateNames`. */
  readonly names: readonly string[];
  /** Type of the key: `rsa`, `ec`, `ed25519`. A client's signature algorithms decide between certificates of two types. */
  readonly keyType: string;
  /** Name of the curve of an `ec` key: `prime256v1`. */
  readonly curve: string | undefined;
  /** SHA-256 of the server's own certificate, hexadecimal. */
  readonly fingerprint: string;
  /** URL of the OCSP responder that its issuer names (RFC 5280 §4.2.2.1). */
  readonly responder: string | undefined;
  /** Clients refuse it without an OCSP response beside it (RFC 7633). */
  readonly mustStaple: boolean;
  /** PEM: the server's own certificate first, then those that issued it. */
  readonly cert: string;
  /** PEM of PKCS#8, not encrypted. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly validFrom: number;
  readonly validTo: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificate that issued the server's own, PEM; undefined: the chain does not hold it. */
export function issuerIn({ cert }: Pick<ServerCertificate, 'cert'>): string | undefined {
  return cert.match(CERTIFICATE)?.[1];
}
