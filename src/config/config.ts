import type { Network } from '../http/networks.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { LogLevel } from '../lib/log.ts';

/** A TCP address to listen on; port 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A unix socket to listen on, by its absolute path. */
export interface UnixAddress {
  readonly path: string;
}

/** Where operators ask. */
export interface AdminAddress extends ListenAddress {
  /** What a Host field may name besides this address itself and `localhost`, in lower case without port. */
  readonly hosts: readonly string[];
}

/** Where traffic comes in. */
export type TrafficAddress = ListenAddress | UnixAddress;

/** Keys that are fetched from the issuer while the gateway runs; times in milliseconds. */
export interface RemoteKeysConfig {
  readonly kind: 'jwks' | 'discovery';
  /** Absolute address of the document of that kind. */
  readonly url: string;
  /** Those of the issuer's algorithms for which its keys are taken; undefined: all of them. */
  readonly algorithms?: readonly string[] | undefined;
  /** Whether plain http is allowed beyond loopback. */
  readonly allowHttp: boolean;
  readonly refreshMinMs: number;
  readonly refreshMaxMs: number;
  readonly timeoutMs: number;
  readonly staleMs: number;
  readonly unknownKidGapMs: number;
}

/**
 * A claim: a name, of which each place says what its dots mean, or the names on the way to it one by one, in which dots
 * are letters: `['kubernetes.io', 'namespace']`.
 */
export type ClaimName = string | readonly string[];

export interface IssuerConfig {
  readonly name: string;
  /** Must equal the `iss` claim exactly; undefined: `issuer: any`, the check is off. */
  readonly issuer: string | undefined;
  /** Any one of them must be in `aud`; undefined: `audience: any`, the check is off. */
  readonly audience: readonly string[] | undefined;
  /** Whether one of `audience` suffices, or `aud` must have all of them. */
  readonly audienceMatch: 'any' | 'all';
  readonly expiry: 'required' | 'optional';
  readonly algorithms: readonly string[];
  /** Of the configuration; each fits at least one of `algorithms`. Empty only with `remotes`. */
  readonly keys: readonly VerificationKey[];
  /** Where more are fetched; undefined: nowhere. */
  readonly remotes?: readonly RemoteKeysConfig[] | undefined;
  readonly clockToleranceMs: number;
  /** Claims that must be present; dots of a name are letters. */
  readonly require: readonly ClaimName[];
  /** Milliseconds since `iat`, which must be present; Infinity: any age, and `iat` may be absent. */
  readonly maxAgeMs: number;
  /** Values accepted for the header's `typ`, `absent` for none; undefined: not looked at. */
  readonly tokenTypes: readonly string[] | undefined;
  readonly rejectIdTokens: boolean;
  /** The claim that holds the roles; dots of a name reach into objects. */
  readonly rolesClaim: ClaimName;
}

/** Values of which a token must have all, or any one; never empty. */
export interface Demand {
  readonly match: 'all' | 'any';
  readonly values: readonly string[];
}

/** A test of one claim; dots of its name reach into objects. Values are equal only if they have the same type. */
export type ClaimRule = { readonly claim: ClaimName } & (
  | { readonly kind: 'one-of'; readonly values: readonly (string | number | boolean)[] }
  | { readonly kind: 'contains'; readonly value: string | number | boolean }
  | { readonly kind: 'present' | 'absent' }
);

/** What a route demands of a token beyond being valid. */
export interface RouteRules {
  readonly scopes: Demand | undefined;
  readonly roles: Demand | undefined;
  readonly claims: readonly ClaimRule[];
}

/** How a claim is written as a header's value. */
export type ClaimForm = 'auto' | 'string' | 'csv' | 'json' | 'base64url';

/** A claim that is sent as a header; dots of its name reach into objects. */
export interface ClaimHeader {
  readonly claim: ClaimName;
  readonly as: ClaimForm;
}

/** Where a request may carry its token. */
export type TokenPlace =
  /** The header's name in lower case; the scheme before the token, undefined for the token alone. */
  | { readonly kind: 'header'; readonly name: string; readonly scheme: string | undefined }
  | { readonly kind: 'cookie' | 'query'; readonly name: string };

export interface ForwardConfig {
  /** Header name as configured → claim; its name alone means `as: auto`. */
  readonly headers: ReadonlyMap<string, string | ClaimHeader>;
  /** Name of the header that carries the token's payload segment. */
  readonly payload?: string | undefined;
  /** Header name as configured → fixed value, visible ASCII. */
  readonly set?: ReadonlyMap<string, string> | undefined;
  readonly token: 'keep' | 'strip';
  /** Which X-Forwarded-* headers upstream gets. */
  readonly forwarded: ReadonlySet<'for' | 'proto' | 'host'>;
}

/**
 * What becomes of preflight requests: they need a token like any other, go upstream without one, or are answered by
 * the gateway.
 */
export type PreflightConfig =
  | { readonly kind: 'authenticate' | 'pass' }
  | {
      readonly kind: 'answer';
      /** As browsers send them; `*` for everyone, never with credentials. */
      readonly origins: '*' | readonly string[];
      readonly methods: readonly string[];
      /** In lower case. */
      readonly headers: readonly string[];
      /** Undefined leaves it to the browser. */
      readonly maxAgeMs: number | undefined;
      readonly credentials: boolean;
    };

export interface RouteConfig {
  /** For metrics, logs and `explain`: `host/path` or `/path`, with methods when they are limited. */
  readonly name: string;
  readonly match: {
    /** A name or address in canonical form, or `*.` and a name; undefined for any host. */
    readonly host: string | undefined;
    readonly path: string;
    readonly methods: readonly string[] | undefined;
  };
  /** Names of issuers, or `none` for a public route. */
  readonly auth: 'none' | readonly string[];
  /** Where its tokens may stand; undefined: `Authorization: Bearer` alone. */
  readonly token?: readonly TokenPlace[] | undefined;
  /** Undefined: every valid token will do. */
  readonly require: RouteRules | undefined;
  readonly upstream: string;
  readonly forward: ForwardConfig;
  readonly preflight: PreflightConfig;
  /** `plain`: the upstream reads paths as they are sent, so that another reading of one is no reason to refuse it. */
  readonly paths?: 'strict' | 'plain' | undefined;
  /** What becomes of requests with NTLM or Negotiate, which authenticate their connection. */
  readonly connectionAuth: 'refuse' | 'pass';
}

export interface UpstreamConfig {
  readonly name: string;
  readonly server: { readonly host: string; readonly port: number };
  readonly timeouts: {
    readonly connectMs: number;
    readonly responseMs: number;
    readonly idleMs: number;
    /** How long a connection is kept without a request. */
    readonly keepAliveMs: number;
  };
  /** Most connections at a time, most exchanges that wait for one. */
  readonly limits: { readonly connections: number; readonly waiting: number };
  /** Requests on one connection at a time; more than 1 only for those that may be sent again. */
  readonly pipelining: number;
  /** Connections carry one request after another; without, each request has one of its own. */
  readonly reuse: boolean;
}

/** Who may revoke tokens, and how long that is remembered. */
export interface RevocationConfig {
  /** Bearer secret of `POST /revocations`; undefined: there is none. */
  readonly secret: string | undefined;
  /** Longer than any token lives. */
  readonly tokenLifeMs: number;
  /** Revocations in force at one time. */
  readonly entries: number;
  /** Redis by which gateways share revocations, and whether readiness depends on it; undefined: there is none. */
  readonly redis?:
    | {
        readonly url: string;
        readonly required: boolean;
        /** What shared revocations are signed with; undefined: every writer to that Redis revokes. */
        readonly secret: string | undefined;
      }
    | undefined;
  /** FusionAuth's webhooks; undefined: they are not taken. */
  readonly fusionauth:
    | {
        /** Name of the issuer whose tokens are revoked. */
        readonly issuer: string;
        /** Undefined: on the admin address. */
        readonly listen: ListenAddress | undefined;
        /** What webhooks are signed with; undefined: one of the issuer's keys. */
        readonly key: VerificationKey | undefined;
      }
    | undefined;
}

/**
 * The whole configuration with every default filled in, every file read, every reference resolved; frozen. Plain data,
 * maps and sets, so that it can be handed to another process.
 */
export interface Config {
  readonly listen: readonly TrafficAddress[];
  readonly admin: AdminAddress;
  /** Processes that share the addresses; an embedded gateway is one process with any number here. */
  readonly listeners: number;
  /** Verification threads of each listener; 0: none, the event loop verifies in slices. */
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
  /** Peers whose X-Forwarded-* headers are believed; undefined: none. */
  readonly trustedProxies: readonly Network[] | undefined;
  readonly chunkedRequests: 'allow' | 'reject';
  /** Marks the requests of this gateway so that it knows one that comes back; undefined: none is marked. */
  readonly loopMark: string | undefined;
  readonly log: {
    readonly level: LogLevel;
    /** Which exchanges are logged: a number is the share of all, above 0, 1 for all. */
    readonly access: 'off' | 'errors' | number;
    /** What was compared of each refused token is logged, also at level debug; undefined: not. */
    readonly refused?: 'details' | undefined;
  };
  /** Undefined: nothing can be revoked. */
  readonly revocation?: RevocationConfig | undefined;
  /** A binary of the front engine instead of the one that comes with this release; undefined: that one. */
  readonly uws?: { readonly file: string; readonly sha256: string } | undefined;
  /** Absolute folder for what outlives a restart; undefined: nothing is kept. */
  readonly state?: string | undefined;
  readonly shutdown: { readonly graceMs: number };
  /** What deserves a word at start, such as a check that is switched off; `file:line:column: key.path: text`. */
  readonly warnings: readonly string[];
}
