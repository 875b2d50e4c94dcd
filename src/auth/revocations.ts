/** The marks by which a token can be revoked. The cache keeps them with each verified token, so they are small. */
export interface TokenMarks {
  /** Name of the issuer in the configuration. */
  readonly issuer: string;
  readonly jti: string | undefined;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  /** Wall-clock seconds of `iat`; 0 without one: such a token counts as older than any event. */
  readonly issuedAt: number;
  /** Application of a FusionAuth token; `azp` or `client_id` of others. */
  readonly application: string | undefined;
}

/** The revocations in force, as the authorizer asks for them. */
export interface Revocations {
  /** Grows with every change that can revoke a token. A result of `cover` holds until then. */
  readonly version: number;
  /** The marks of a token. `issuer`: its name in the configuration; `claims`: those of a verified token. */
  marks(issuer: string, claims: Readonly<Record<string, unknown>>): TokenMarks;
  /** Whether the token with these marks is revoked. */
  cover(marks: TokenMarks): boolean;
}
