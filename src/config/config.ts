import type { Network } from '../http/networks.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { ServerCertificate } from '../keys/tls-certificate.ts';
import type { LogFormat, LogLevel } from '../lib/log.ts';
import type { ClaimName } from './claim-name.ts';
import type { AccessLogConfig, MetricsConfig, TracingConfig } from './records-config.ts';
import type { HashSource, UpstreamConfig } from './upstream-config.ts';

/** A TCP address to listen on; port 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A unix socket to listen on, by its absolute path. */
export interface UnixAddress {
  readonly path: string;
}

/** The address for operators. */
export type AdminAddress = (ListenAddress | UnixAddress) & AdminTerms;

/** What the address for operators says beside its place. */
export interface AdminTerms {
  /** Hosts that a Host field may name besides this address and `localhost`, in lower case without port. */
  readonly hosts: readonly string[];
  /** Secret of everything but the checks of health and readiness; undefined: none is asked for. */
  readonly secret?: string | undefined;
}

/** PEM text: in a file by its absolute name, or in the configuration. */
export type PemSource = { readonly file: string } | { readonly text: string };

/** Where a certificate was read, so that it can be read again when its files change. */
export interface CertificateSource {
  readonly cert: PemSource;
  /** Undefined: beside the chain. */
  readonly key: PemSource | undefined;
  readonly passphrase: string | undefined;
}

/** A certificate that an address serves. */
export interface CertificateConfig extends ServerCertificate {
  /** Its first name, or how the configuration names its file: for logs, metrics and `/status`. */
  readonly name: string;
  readonly source: CertificateSource;
}

/** TLS of an address. */
export interface TlsConfig {
  /** At least one; the first is for clients that name no host. */
  readonly certificates: readonly CertificateConfig[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** A list for OpenSSL, with the suites of TLS 1.3. */
  readonly ciphers: string;
  /** A client that names another host than the certificates. */
  readonly unknownName: 'default' | 'refuse';
  /** OCSP responses are fetched and sent beside certificates whose issuer names a responder. */
  readonly stapling: boolean;
  /** Undefined: no client is asked for a certificate. */
  readonly clientCertificates: ClientCertificatesConfig | undefined;
}

/** Whom an address lets in by a certificate. */
export interface ClientCertificatesConfig {
  /** PEM. */
  readonly ca: string;
  /** PEM, one list each; undefined: no list is asked for. */
  readonly crl: readonly string[] | undefined;
  readonly mode: 'required' | 'optional';
  /** See `CertificateSource`. */
  readonly source: { readonly ca: PemSource; readonly crl: PemSource | undefined };
}

/** What an address for traffic says beside its place. */
export interface AddressTerms {
  /** Some route of the file upgrades connections. */
  readonly upgrades?: true | undefined;
  /** The front that the file names; undefined: `auto`, which `engineOf` in `front` resolves. */
  readonly engine?: 'uws' | 'node' | undefined;
  /** Every connection begins with a header of the PROXY protocol, from one of `trustedProxies`. */
  readonly proxyProtocol?: 'required' | undefined;
  /** Every request gets a redirect to https, and nothing is served. */
  readonly redirect?: 'https' | undefined;
  /** What its clients may speak; undefined: HTTP/1.x alone. */
  readonly protocols?: readonly Protocol[] | undefined;
  /** Undefined: plain text. */
  readonly tls?: TlsConfig | undefined;
}

/** A protocol by its name in ALPN; `h2c` is HTTP/2 without TLS, of which the client must know before. */
export type Protocol = 'http/1.1' | 'h2' | 'h2c';

/** An address for traffic. */
export type TrafficAddress = (ListenAddress | UnixAddress) & AddressTerms;

/** Keys that the gateway fetches from the issuer while it runs; times in milliseconds. */
export interface RemoteKeysConfig {
  readonly kind: 'jwks' | 'discovery';
  /** Absolute address of the document of that kind. */
  readonly url: string;
  /** The issuer's algorithms for which these keys are used; undefined: all of them. */
  readonly algorithms?: readonly string[] | undefined;
  /** Whether plain http is allowed beyond loopback. */
  readonly allowHttp: boolean;
  readonly refreshMinMs: number;
  readonly refreshMaxMs: number;
  readonly timeoutMs: number;
  readonly staleMs: number;
  readonly unknownKidGapMs: number;
}

export interface IssuerConfig {
  readonly name: string;
  /** Must equal the `iss` claim exactly; undefined: `issuer: any`, the check is off. */
  readonly issuer: string | undefined;
  /** Audiences of which `aud` must have one or all; undefined: `audience: any`, the check is off. */
  readonly audience: readonly string[] | undefined;
  /** Whether one of `audience` suffices, or `aud` must have all of them. */
  readonly audienceMatch: 'any' | 'all';
  readonly expiry: 'required' | 'optional';
  readonly algorithms: readonly string[];
  /** Keys in the configuration; each fits at least one of `algorithms`. Empty only with `remotes`. */
  readonly keys: readonly VerificationKey[];
  /** Sources of fetched keys; undefined: none. */
  readonly remotes?: readonly RemoteKeysConfig[] | undefined;
  readonly clockToleranceMs: number;
  /** Claims that must be present; dots in a name are letters. */
  readonly require: readonly ClaimName[];
  /** Milliseconds that may have passed since `iat`, which must be present; Infinity: any, and `iat` may be absent. */
  readonly maxAgeMs: number;
  /** Values accepted for the header's `typ`, `absent` for none; undefined: the check is off. */
  readonly tokenTypes: readonly string[] | undefined;
  readonly rejectIdTokens: boolean;
  /** The claim with the roles; dots in a name reach into objects. */
  readonly rolesClaim: ClaimName;
}

/** Values of which a token must have all or any one; never empty. */
export interface Demand {
  readonly match: 'all' | 'any';
  readonly values: readonly string[];
}

/** A test of one claim; dots in its name reach into objects. Equal values have the same type. */
export type ClaimRule = { readonly claim: ClaimName } & (
  | { readonly kind: 'one-of'; readonly values: readonly (string | number | boolean)[] }
  | { readonly kind: 'contains'; readonly value: string | number | boolean }
  | { readonly kind: 'present' | 'absent' }
);

/** The demands of a route on a valid token. */
export interface RouteRules {
  readonly scopes: Demand | undefined;
  readonly roles: Demand | undefined;
  readonly claims: readonly ClaimRule[];
}

/** The form of a claim as the value of a field. */
export type ClaimForm = 'auto' | 'string' | 'csv' | 'json' | 'base64url';

/** A claim that upstream gets as a field; dots in its name reach into objects. */
export interface ClaimHeader {
  readonly claim: ClaimName;
  readonly as: ClaimForm;
}

/** A place of a request for its token. */
export type TokenPlace =
  /** The header's name in lower case; the scheme before the token, undefined when the value is only the token. */
  | { readonly kind: 'header'; readonly name: string; readonly scheme: string | undefined }
  /** `protocol`: the subprotocol of a WebSocket with this name has the token behind it. */
  | { readonly kind: 'cookie' | 'query' | 'protocol'; readonly name: string };

export interface ForwardConfig {
  /** Field name as configured → claim; a name without a form means `as: auto`. */
  readonly headers: ReadonlyMap<string, string | ClaimHeader>;
  /** Name of the field for the token's payload segment. */
  readonly payload?: string | undefined;
  /** Field name as configured → fixed value, visible ASCII. */
  readonly set?: ReadonlyMap<string, string> | undefined;
  /** Names of fields that no request keeps on its way upstream. */
  readonly remove?: readonly string[] | undefined;
  readonly token: 'keep' | 'strip';
  /** The X-Forwarded-* fields that upstream gets. */
  readonly forwarded: ReadonlySet<'for' | 'proto' | 'host'>;
}

/**
 * The treatment of preflight requests: they need a token like any other, go upstream without one, or get a reply of the
 * gateway.
 */
export type PreflightConfig =
  | { readonly kind: 'authenticate' | 'pass' }
  | {
      readonly kind: 'answer';
      /** Origins as browsers send them; `*` for all of them, never with credentials. */
      readonly origins: '*' | readonly string[];
      readonly methods: readonly string[];
      /** In lower case. */
      readonly headers: readonly string[];
      /** Undefined: the browser decides. */
      readonly maxAgeMs: number | undefined;
      readonly credentials: boolean;
    };

/** Header fields of a route's responses. */
export interface ResponseHeadersConfig {
  /** Name as configured → value, visible ASCII with inner blanks. */
  readonly set: ReadonlyMap<string, string>;
  readonly remove: readonly string[];
}

export interface RouteConfig {
  /**
   * The name in metrics, logs and `explain`: `host/path` or `/path`, with the methods if they are limited, and with
   * ` (prefix)` or ` (exact)` if its path is one.
   */
  readonly name: string;
  readonly match: {
    /** A name or address in canonical form, or `*.` and a name; undefined for any host. */
    readonly host: string | undefined;
    readonly path: string;
    /** `prefix`: all that begins with the letters of `path`; `exact`: only `path`; undefined: `path` and all below it. */
    readonly kind?: 'prefix' | 'exact' | undefined;
    readonly methods: readonly string[] | undefined;
  };
  /** Names of issuers, `none` for a public route, or no name for a route that denies every request. */
  readonly auth: 'none' | readonly string[];
  /** The places for its tokens; undefined: only `Authorization: Bearer`. */
  readonly token?: readonly TokenPlace[] | undefined;
  /** Undefined: every valid token is enough. */
  readonly require: RouteRules | undefined;
  readonly upstream: string;
  readonly forward: ForwardConfig;
  readonly preflight: PreflightConfig;
  /** `plain`: the upstream reads paths as they are sent, so other readings of a path are no reason to refuse it. */
  readonly paths?: 'strict' | 'plain' | undefined;
  /** The treatment of requests with NTLM or Negotiate, which authenticate their connection. */
  readonly connectionAuth: 'refuse' | 'pass';
  /** Protocols to which its requests may upgrade, in lower case; undefined: none. */
  readonly upgrade?: readonly string[] | undefined;
  /** The values of Origin with which they may; undefined: any, and none. */
  readonly origins?: readonly string[] | undefined;
  /** Bounds of its tunnels in each process; undefined: those of `limits`. */
  readonly tunnels?:
    | { readonly limit?: number | undefined; readonly perSubject?: number | undefined }
    | undefined;
  /** Names of limits on the rate of its requests; undefined: none. */
  readonly rateLimit?: readonly string[] | undefined;
  /** What happens at the end of a token to what it has opened; undefined: tunnels close, and answers are kept. */
  readonly onExpiry?: { readonly tunnels: 'close' | 'keep'; readonly answers: 'close' | 'keep' } | undefined;
  /** Undefined: responses go to the client with upstream's fields. */
  readonly responseHeaders?: ResponseHeadersConfig | undefined;
}

/** What requests are counted by. */
export type RateKey = HashSource | { readonly kind: 'route' };

/** A limit on the rate of the requests with one key. */
export interface RateLimitConfig {
  readonly name: string;
  /** Requests in each period. */
  readonly amount: number;
  readonly periodMs: number;
  /** Requests that may come at once. */
  readonly burst: number;
  readonly by: RateKey;
  /** Keys that one process counts at one time. */
  readonly keys: number;
}

/** The ids of requests. */
export interface RequestIdConfig {
  /** Name of the header as configured. */
  readonly header: string;
  /** Whose ids are taken; those of all others are replaced. */
  readonly trust: 'trustedProxies' | 'everyone' | 'nobody';
}

/** The sources of revocations, and the life of a revocation. */
export interface RevocationConfig {
  /** Bearer secret of `POST /revocations`; undefined: the endpoint does not exist. */
  readonly secret: string | undefined;
  /** Milliseconds; no token lives longer. */
  readonly tokenLifeMs: number;
  /** Revocations in force at one time. */
  readonly entries: number;
  /** The Redis through which gateways share revocations; undefined: none. */
  readonly redis?:
    | {
        readonly url: string;
        /** Whether readiness depends on it. */
        readonly required: boolean;
        /** Secret that signs shared revocations; undefined: every writer to that Redis can revoke. */
        readonly secret: string | undefined;
      }
    | undefined;
  /** FusionAuth's webhooks; undefined: the gateway takes none. */
  readonly fusionauth:
    | {
        /** Name of the issuer whose tokens the webhooks revoke. */
        readonly issuer: string;
        /** Undefined: on the admin address. */
        readonly listen: ListenAddress | undefined;
        /** Key that signs the webhooks; undefined: one of the issuer's keys. */
        readonly key: VerificationKey | undefined;
      }
    | undefined;
}

/**
 * The whole configuration, frozen: defaults are filled in, files are read, references are resolved. It consists of plain
 * data, maps and sets, so it can go to another process.
 */
export interface Config {
  readonly listen: readonly TrafficAddress[];
  readonly admin: AdminAddress;
  /** Processes that share the addresses. An embedded gateway is one process, whatever the number. */
  readonly listeners: number;
  /** Verification threads of each process; 0: none, the event loop verifies in slices. */
  readonly verifiers: number;
  readonly issuers: ReadonlyMap<string, IssuerConfig>;
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  readonly routes: readonly RouteConfig[];
  /** By name; undefined: none. */
  readonly rateLimits?: ReadonlyMap<string, RateLimitConfig> | undefined;
  /** Two numbers of 32 bits, under which the keys of rate limits are hashed in every process of this gateway. */
  readonly rateSecret?: readonly [number, number] | undefined;
  readonly rejection: 'rfc6750' | 'haproxy';
  /** Realm of the Bearer challenge. */
  readonly realm: string;
  readonly cache: { readonly entries: number; readonly bytes: number };
  /** Bytes, except for the last three; Infinity: no limit. */
  readonly limits: {
    readonly requestHead: number;
    readonly requestBody: number;
    readonly responseHead: number;
    /** For the buffered request bodies of all exchanges together. */
    readonly bufferedBodies: number;
    /** Client connections at one time. */
    readonly connections: number;
    /** Requests after which a client connection closes; on average, where the front cannot count them. */
    readonly requestsPerConnection: number;
    /** Header fields of a request. */
    readonly headerFields: number;
    /** Tunnels of one process at one time. */
    readonly tunnels: number;
  };
  readonly timeouts: {
    /** From a request's head to the last byte of its response; Infinity for none. */
    readonly requestMs: number;
    /** Bytes per second that a request body must keep; 0 for none. */
    readonly bodyMinRate: number;
    /** From the first byte of a request's head to its last. */
    readonly requestHeadMs: number;
    /** Without a request on a client connection. */
    readonly keepAliveMs: number;
    /** Without a byte in either direction of a tunnel. */
    readonly tunnelMs: number;
    /** Without a byte taken by a client to whom a response is sent. */
    readonly sendMs: number;
  };
  /** Peers whose X-Forwarded-* fields are trusted; undefined: none. */
  readonly trustedProxies: readonly Network[] | undefined;
  readonly chunkedRequests: 'allow' | 'reject';
  /** The mark in this gateway's requests, by which it detects loops; undefined: no mark. */
  readonly loopMark: string | undefined;
  readonly log: {
    readonly level: LogLevel;
    /** Undefined: JSON. */
    readonly format?: LogFormat | undefined;
    /** The exchanges in the access log; a number is their share, above 0, 1 for all. */
    readonly access: 'off' | 'errors' | number;
    /** Where its lines go and what they have; undefined: to the log, with all fields and no claims. */
    readonly accessLog?: AccessLogConfig | undefined;
    /** `details`: the log shows the compared values of each refused token; undefined: it does not. */
    readonly refused?: 'details' | undefined;
  };
  /** Undefined: one histogram of all requests, without exemplars. */
  readonly metrics?: MetricsConfig | undefined;
  /** Undefined: no spans are exported. */
  readonly tracing?: TracingConfig | undefined;
  /** Undefined: requests have none. */
  readonly requestId?: RequestIdConfig | undefined;
  /** Undefined: nothing can be revoked. */
  readonly revocation?: RevocationConfig | undefined;
  /** A binary of the front engine; undefined: the one of this release. */
  readonly uws?: { readonly file: string; readonly sha256: string } | undefined;
  /** Absolute folder for data that outlives a restart; undefined: no data does. */
  readonly state?: string | undefined;
  /** Milliseconds for exchanges in flight, and those for which tunnels are left alone. */
  readonly shutdown: { readonly graceMs: number; readonly tunnelsMs: number };
  /** Warnings for the log at start, such as a check that is off: `file:line:column: key.path: text`. */
  readonly warnings: readonly string[];
}
