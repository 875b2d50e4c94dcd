import type { VerificationKey } from '../keys/key.ts';
import type { LogLevel } from '../lib/log.ts';
import type { Networks } from '../lib/networks.ts';

/** A TCP address to listen on; port 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface IssuerConfig {
  readonly name: string;
  /** Must equal the `iss` claim exactly; undefined: `issuer: any`, the check is off. */
  readonly issuer: string | undefined;
  /** Any one of them must be in `aud`; undefined: `audience: any`, the check is off. */
  readonly audience: readonly string[] | undefined;
  readonly expiry: 'required' | 'optional';
  readonly algorithms: readonly string[];
  /** Never empty; each key fits at least one of `algorithms`. */
  readonly keys: readonly VerificationKey[];
  readonly clockToleranceMs: number;
  /** Claims that must be present. */
  readonly require: readonly string[];
}

export interface ForwardConfig {
  /** Header name as configured → claim path (dots reach into objects). */
  readonly headers: ReadonlyMap<string, string>;
  readonly token: 'keep' | 'strip';
  /** Which X-Forwarded-* headers upstream gets. */
  readonly forwarded: ReadonlySet<'for' | 'proto' | 'host'>;
}

export interface RouteConfig {
  /** For metrics, logs and `explain`: `host/path` or `/path`, with methods when they are limited. */
  readonly name: string;
  readonly match: {
    readonly host: string | undefined;
    readonly path: string;
    readonly methods: readonly string[] | undefined;
  };
  /** Names of issuers, or `none` for a public route. */
  readonly auth: 'none' | readonly string[];
  readonly upstream: string;
  readonly forward: ForwardConfig;
}

export interface UpstreamConfig {
  readonly name: string;
  readonly server: { readonly host: string; readonly port: number };
  readonly timeouts: { readonly connectMs: number; readonly responseMs: number; readonly idleMs: number };
  readonly limits: { readonly connections: number; readonly waiting: number };
}

/** The whole configuration with every default filled in, every file read, every reference resolved; frozen. */
export interface Config {
  readonly listen: readonly ListenAddress[];
  readonly admin: ListenAddress;
  /** Verification threads; 0: none, the event loop verifies in slices. */
  readonly verifiers: number;
  readonly issuers: ReadonlyMap<string, IssuerConfig>;
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  readonly routes: readonly RouteConfig[];
  readonly rejection: 'rfc6750' | 'haproxy';
  /** Realm of the Bearer challenge. */
  readonly realm: string;
  readonly cache: { readonly entries: number; readonly bytes: number };
  /** Bytes, but for the last two; what is unlimited is Infinity. */
  readonly limits: {
    readonly requestHead: number;
    readonly requestBody: number;
    readonly responseHead: number;
    /** Of request bodies held back by all exchanges together. */
    readonly bufferedBodies: number;
    /** Client connections at one time. */
    readonly connections: number;
    /** On average. */
    readonly requestsPerConnection: number;
  };
  readonly timeouts: {
    /** From a request's head to the last byte of its answer; Infinity for none. */
    readonly requestMs: number;
    /** Bytes per second that a request body must keep; 0 for none. */
    readonly bodyMinRate: number;
  };
  /** Whose X-Forwarded-* headers are believed; undefined for nobody's. */
  readonly trustedProxies: Networks | undefined;
  readonly chunkedRequests: 'allow' | 'reject';
  readonly log: {
    readonly level: LogLevel;
    /** Which exchanges are logged: a number is the share of all, above 0, 1 for all. */
    readonly access: 'off' | 'errors' | number;
  };
  readonly shutdown: { readonly graceMs: number };
  /** What deserves a word at start, such as a check that is switched off; `file:line:column: key.path: text`. */
  readonly warnings: readonly string[];
}
