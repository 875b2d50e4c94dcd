import type { Counter, Histogram } from '../lib/counters.ts';

/** Something for which the gateway cannot take traffic yet; goes to `/readyz` as it is, so never a secret. */
export interface NotReady {
  /** The part in question: a listener, an issuer, an upstream. */
  readonly what: string;
  readonly why: string;
}

export interface KeySetView {
  readonly issuer: string;
  /** Key ids; empty for keys that have none, such as a PEM file. */
  readonly kids: readonly string[];
  /** Seconds since the keys were read; undefined while there are none. */
  readonly ageSeconds: number | undefined;
  /** Where they come from: an address without its query, or `configuration`. */
  readonly source: string;
  /** Why the last attempt to read them failed, without any key material. */
  readonly lastError: string | undefined;
  /** Seconds until they are read again; undefined when that is under way or never happens. */
  readonly nextRefreshSeconds: number | undefined;
  /** One sentence for each entry of the source that is not used. */
  readonly ignored: readonly string[];
}

export interface UpstreamView {
  readonly name: string;
  readonly servers: readonly { readonly address: string; readonly healthy: boolean }[];
}

/** Revocations in force; times in wall-clock seconds, undefined where there is none with a time. */
export interface RevocationsView {
  readonly entries: number;
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
}

export type ConnectionState = 'idle' | 'busy' | 'connecting' | 'waiting';

/**
 * All that the admin address can see of the gateway. The numbers are plain fields that the request path
 * increments; they are read when somebody asks, never pushed. Label values must come from a bounded set.
 */
export interface AdminView {
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Seconds since the start, by a clock that never steps back. */
  uptimeSeconds(): number;
  /** Bound addresses, as `host:port`. */
  listeners(): readonly string[];
  /** Empty when the gateway can take traffic. */
  notReady(): readonly NotReady[];

  requests(): Iterable<{ readonly route: string; readonly outcome: string; readonly count: number }>;
  /** Seconds from a request's head to the end of its answer. */
  readonly requestSeconds: Histogram;
  /** Lines of the access log that were left out because its reader is too slow. */
  readonly accessLogDropped: Counter;
  /** Client connections open now. */
  connections(): number;
  /** Client connections closed at once, because as many as allowed were open. */
  readonly connectionsRefused: Counter;
  readonly cacheHits: Counter;
  readonly cacheMisses: Counter;
  cacheEntries(): number;
  /** Tokens per batch handed to a verification thread. */
  readonly verifyBatchSize: Histogram;
  /** Tokens that wait for a verification thread. */
  verifyQueueDepth(): number;
  rejections(): Iterable<{ readonly reason: string; readonly count: number }>;
  upstreamConnections(): Iterable<{
    readonly upstream: string;
    readonly state: ConnectionState;
    readonly count: number;
  }>;
  upstreamFailures(): Iterable<{
    readonly upstream: string;
    readonly reason: string;
    readonly count: number;
  }>;
  keySets(): Iterable<KeySetView>;
  upstreams(): Iterable<UpstreamView>;

  /** Undefined where nothing can be revoked. */
  revocations(): RevocationsView | undefined;
  /** Revocations told of and put in force, by who told. */
  revocationsReceived(): Iterable<{ readonly source: string; readonly count: number }>;
  /** Requests to revoke that were refused, by who sent them. */
  revocationsRefused(): Iterable<{ readonly source: string; readonly count: number }>;

  /** Is told of an error met while answering; the client gets a plain 500 without its text. */
  fault(error: unknown): void;
}
