/** What a token can be revoked by; kept with each verified token, so it is small. */
export interface TokenMarks {
  /** Name of the issuer in the configuration. */
  readonly issuer: string;
  readonly jti: string | undefined;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  /** Wall-clock seconds of `iat`; 0 without one, so that it counts as older than any event. */
  readonly issuedAt: number;
  /** Of FusionAuth's tokens, and of others by `azp` or `client_id`. */
  readonly application: string | undefined;
}

/** What has been revoked, as those who judge tokens see it. */
export interface Revocations {
  /** Grows with every change that can void a token: a caller that has asked at this generation need not ask again. */
  readonly generation: number;
  marks(issuer: string, claims: Readonly<Record<string, unknown>>): TokenMarks;
  /** Whether the token with these marks is revoked. */
  cover(marks: TokenMarks): boolean;
}
