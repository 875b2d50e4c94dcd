/**
 * A revocation hits the tokens that carry all marks given here and were issued up to `before`. At least one mark is given.
 */
export interface Revocation {
  /** Name of the issuer in the configuration; undefined: of any. */
  readonly issuer: string | undefined;
  readonly jti: string | undefined;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  readonly application: string | undefined;
  /**
   * Wall-clock second of the event. It hits tokens issued within that second too, because `iat` does not show whether
   * they were issued before the event. Infinity: the time of issue does not matter.
   */
  readonly before: number;
  /** Wall-clock second after which none of these tokens is alive; Infinity where tokens need no `exp`. */
  readonly expiresAt: number;
  /** Absent: made by this gateway; otherwise it came from Redis, without or with a good signature. */
  readonly from?: Foreign | undefined;
}

export type Foreign = 'redis' | 'redis-signed';

/** The marks that a revocation can demand, in the order of their parts in a key. */
export const markNames = ['issuer', 'jti', 'sub', 'sid', 'application'] as const;

export type MarkName = (typeof markNames)[number];
export type Marks = Readonly<Record<MarkName, string | undefined>>;

/** The source of a revocation. */
export type Source = 'admin' | 'fusionauth' | 'redis';

/** Seconds by which the clock that dates an event may be ahead of ours. A later time would revoke future tokens. */
export const MAX_AHEAD = 300;
