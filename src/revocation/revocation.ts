/**
 * What is revoked: tokens that carry all of the marks given here and were issued up to `before`. At least one mark is
 * given.
 */
export interface Revocation {
  /** Name of the issuer in the configuration; undefined: of any. */
  readonly issuer: string | undefined;
  readonly jti: string | undefined;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  readonly application: string | undefined;
  /**
   * Wall-clock second; a token issued within it is revoked too, because `iat` does not tell on which side of the event
   * it was issued. Infinity: the time of issue does not matter.
   */
  readonly before: number;
  /** Wall-clock second from which on none of these tokens can live; Infinity where tokens need no `exp`. */
  readonly expiresAt: number;
  /** Absent: it was told to this gateway; otherwise Redis told it, without or with a good signature. */
  readonly from?: Foreign | undefined;
}

export type Foreign = 'redis' | 'redis-signed';

/** The marks that a revocation can demand, in the order in which keys are made of them. */
export const markNames = ['issuer', 'jti', 'sub', 'sid', 'application'] as const;

export type MarkName = (typeof markNames)[number];
export type Marks = Readonly<Record<MarkName, string | undefined>>;

/** The source of a revocation. */
export type Source = 'admin' | 'fusionauth' | 'redis';

/** Seconds by which a clock that dates an event may be ahead of ours. One from further ahead revokes tokens to come. */
export const MAX_AHEAD = 300;
