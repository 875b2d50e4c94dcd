import type { NameSet } from './lib/name-set.ts';
import type { Reason } from './reasons.ts';

/** How the body of a request is framed; the bytes reach us unframed and are framed anew for upstream. */
export type BodyFraming = 'none' | 'length' | 'chunked';

/** The head of one request as the listener read it; nothing here refers to the engine's request object. */
export interface RequestHead {
  readonly method: string;
  /** Path as sent, neither decoded nor normalised; starts with `/`. */
  readonly path: string;
  /** What stood behind `?`; undefined when there was no `?`. */
  readonly query: string | undefined;
  /** Header names in lower case and, at the same index, their values; order and repetitions are kept. */
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly host: string;
  /** The first Authorization value, undefined when there is none; a flat string that is no part of a longer one. */
  readonly authorization: string | undefined;
  readonly authorizationCount: number;
  readonly framing: BodyFraming;
  /** Content-Length in bytes; 0 unless `framing` is `length`. */
  readonly contentLength: number;
  /** The client wants the connection closed after the answer (RFC 9112 §9.6). */
  readonly close: boolean;
  /** Set when the request must not be served (RFC 9112 §6, §3.2); nothing else in it is then to be trusted. */
  readonly fault: Reason | undefined;
}

declare const permitBrand: unique symbol;

/**
 * Leave to forward one request. Only `auth/permit.ts` makes one, and `upstream` sends nothing without it, so a
 * forgotten check does not compile.
 */
export interface Permit {
  readonly kind: 'permit';
  readonly [permitBrand]: true;
  /** Identity headers of this token for this route, ready to send: `Name: value\r\n` repeated, or ''. */
  readonly headers: string;
  /** Whether the Authorization header is kept from upstream. */
  readonly stripToken: boolean;
  /** What else is kept from upstream; only on routes whose tokens stand in other places. */
  readonly traces?: TokenTraces;
}

/** What of a request is its token's, by name. */
export interface TokenTraces {
  /** Header names, in every spelling. */
  readonly headers: NameSet;
  readonly cookies: readonly string[];
  /** Parameters of the query. */
  readonly parameters: readonly string[];
}

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

/**
 * The checks of the walk-through's HAProxy configuration, in its order, and `rules`, which it has not, behind them;
 * decides the message in its style.
 */
export type Stage = 'header' | 'algorithm' | 'issuer' | 'audience' | 'signature' | 'expiry' | 'rules';

export interface Rejection {
  readonly kind: 'rejection';
  readonly reason: Reason;
  /** The check at which HAProxy would have stopped; undefined where it has no such check. */
  readonly stage: Stage | undefined;
  /** Of a route that demands scopes: those to ask for, separated by spaces (RFC 6750 §3). */
  readonly scope?: string | undefined;
}

/** A verdict that is not there yet; it arrives at the waiter unless cancelled first. */
export interface Pending {
  readonly kind: 'pending';
  cancel(): void;
}

export interface VerdictWaiter {
  onVerdict(verdict: Permit | Rejection): void;
}

/** The answer to a request for something other than forwarding; `body` is sent as JSON. */
export interface PostAnswer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export type PostHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Takes POST requests on one path of the admin address, or of an address of its own. */
export interface PostHandler {
  /** Bytes of a body. */
  readonly maxBytes: number;
  /** The answer for a request whose body is not even to be read; header names are in lower case. */
  refuse(headers: PostHeaders): PostAnswer | undefined;
  answer(headers: PostHeaders, body: Buffer): Promise<PostAnswer>;
  /** Answers DELETE; absent where the path does not take it. The query comes without its question mark. */
  remove?(headers: PostHeaders, query: string): Promise<PostAnswer>;
}

/** Why a server is down, in one word. */
export type DownCause =
  | 'name_not_found'
  | 'refused'
  | 'unreachable'
  | 'timeout'
  | 'reset'
  | 'invalid_response'
  /** This machine has no descriptor, port or right left for a connection. */
  | 'no_socket'
  | 'failed';

/** A server of an upstream. */
export interface ServerName {
  readonly upstream: string;
  /** `host:port`. */
  readonly address: string;
}

/** What one process knows of a server: plain data. */
export interface ServerReport extends ServerName {
  /** `untried` until anything was sent to it. */
  readonly state: 'untried' | 'up' | 'down';
  /** Why it is down. */
  readonly cause: DownCause | undefined;
  /** Wall-clock milliseconds of the last change. */
  readonly since: number;
  /** Attempts that failed since it was last up. */
  readonly failed: number;
}
