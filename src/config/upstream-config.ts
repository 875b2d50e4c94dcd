import type { ClaimName } from './claim-name.ts';

/** Where an upstream server listens: a host name or an IP address with a port, or a unix socket by its absolute path. */
export type ServerAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** A server of an upstream. */
export interface UpstreamServer {
  readonly address: ServerAddress;
  /** By prior knowledge without TLS, by ALPN with it. */
  readonly protocol: 'http/1.1' | 'h2';
  /** Whether connections to it use TLS. */
  readonly scheme: 'http' | 'https';
  /** Its part of the requests, from 1 to 256, relative to the other servers. */
  readonly weight: number;
  /** It gets requests only while no other server can take any. */
  readonly backup: boolean;
  /** Connections to it at one time; no more than the upstream's. */
  readonly connections: number;
}

/** The part of a request by which requests stay with one server. */
export type HashSource =
  /** The client's address, as trusted proxies report it. */
  | { readonly kind: 'client' }
  /** In lower case. */
  | { readonly kind: 'header'; readonly name: string }
  /** Of the verified token; dots in its name reach into objects. */
  | { readonly kind: 'claim'; readonly claim: ClaimName };

/** TLS to the https servers of an upstream. */
export interface UpstreamTlsConfig {
  /** The authorities that may sign certificates of its servers, PEM; undefined: those that Node.js knows. */
  readonly ca: { readonly pem: string } | undefined;
  /** The host that certificates must name; undefined: the host in the URL of each server. */
  readonly serverName: string | undefined;
  /** The certificate that the gateway shows to servers, PEM with its chain and its key. */
  readonly client: { readonly cert: string; readonly key: string } | undefined;
  /** Whether certificates of servers are checked. */
  readonly verify: boolean;
}

/** No connection was made; the connection ended before a response; a response with 502, 503 or 504. */
export type RetryCause = 'connect' | 'reset' | 'unavailable';

/** Requests with the same value go to the same server. */
export interface HashBalance {
  readonly hash: HashSource;
  /** Also where that server has more than its share of them. */
  readonly sticky?: true;
}

export interface UpstreamConfig {
  readonly name: string;
  /** At least one; no two have the same address. */
  readonly servers: readonly UpstreamServer[];
  /** How the server of a request is chosen; undefined: the less loaded of two. */
  readonly balance?: 'round-robin' | HashBalance | undefined;
  readonly timeouts: {
    readonly connectMs: number;
    readonly responseMs: number;
    readonly idleMs: number;
    /** The same for event streams, which may be silent for long; undefined: as for other bodies. */
    readonly streamMs?: number | undefined;
    /** Time for which a connection without requests stays open. */
    readonly keepAliveMs: number;
  };
  /** Connections at one time, and exchanges that wait for one. */
  readonly limits: { readonly connections: number; readonly waiting: number };
  /** Requests on one connection at a time; more than 1 only for requests that may be sent again. */
  readonly pipelining: number;
  /** Milliseconds between two look-ups of the servers' names; undefined: they are looked up once. */
  readonly resolveMs?: number | undefined;
  /** Undefined: servers are not checked. */
  readonly health?: HealthConfig | undefined;
  /** Undefined: failures in a row eject no server. */
  readonly outliers?: OutlierConfig | undefined;
  /** Milliseconds in which a server that comes back gets more and more requests; undefined: its whole part at once. */
  readonly slowStartMs?: number | undefined;
  /** Connections carry one request after another; otherwise each request has its own connection. */
  readonly reuse: boolean;
  /** Undefined: no server is an https server. */
  readonly tls?: UpstreamTlsConfig | undefined;
  readonly retries: {
    /** Attempts at other servers, beside the first attempt. */
    readonly attempts: number;
    /** The share of the requests under way that may be retries, above 0, 1 for all. */
    readonly budget: number;
    /** The failures after which a request is sent again. */
    readonly on: readonly RetryCause[];
  };
}

/** When failures keep requests away from a server for a time. */
export interface OutlierConfig {
  /** Attempts that fail in a row. */
  readonly failures: number;
  /** Of the first ejection; the nth in a row takes n times as long. */
  readonly ejectionMs: number;
  /** The share of the servers that may be ejected, above 0, 1 for all. */
  readonly most: number;
}

/** How the gateway checks the servers of an upstream. */
export interface HealthConfig {
  /** The target of a GET; undefined: a server is healthy if a connection to it can be made. */
  readonly path: string | undefined;
  /** The Host field; undefined: the host of the server. */
  readonly host: string | undefined;
  /** From the beginning of a check to that of the next one. */
  readonly intervalMs: number;
  /** For a whole check; at most `intervalMs`. */
  readonly timeoutMs: number;
  /** Successes in a row after which an unhealthy server is healthy. */
  readonly rise: number;
  /** Failures in a row after which a healthy server is unhealthy. */
  readonly fall: number;
  /** Ranges of the status that a healthy server sends, with their ends. */
  readonly status: readonly (readonly [from: number, to: number])[];
}
