import type { GatewayFigures } from './figures.ts';

/** A reason why the gateway cannot take traffic yet. `/readyz` shows it as it is, so it never holds a secret. */
export interface NotReady {
  /** The part that is not ready: a listener, an issuer. */
  readonly what: string;
  readonly why: string;
}

export interface KeySetView {
  readonly issuer: string;
  /** Key ids; empty for keys that have none, such as a PEM file. */
  readonly kids: readonly string[];
  /** Seconds since the keys were read; undefined while there are none. */
  readonly ageSeconds: number | undefined;
  /** Their source: an address without its query, or `configuration`. */
  readonly source: string;
  /** Why the last attempt to read them failed, without any key material. */
  readonly lastError: string | undefined;
  /** Seconds until they are read again; undefined while they are read, and when that never happens. */
  readonly nextRefreshSeconds: number | undefined;
  /** One sentence for each entry of the source that is ignored. */
  readonly ignored: readonly string[];
}

/** A certificate that an address serves. */
export interface CertificateView {
  /** As configured. */
  readonly address: string;
  readonly name: string;
  /** Host names and IP addresses that it is for. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch: its end, and the time of the call. */
  readonly validTo: number;
  readonly now: number;
  /** The end of its OCSP response, and why the last fetch failed; undefined: none is sent beside it. */
  readonly stapling:
    | { readonly until: number | undefined; readonly lastError: string | undefined }
    | undefined;
}

/** What the configuration says of an address for traffic. */
export interface ListenView {
  /** As bound; as configured while it is not bound. */
  readonly address: string;
  readonly protocols: readonly string[];
  /** Undefined: plain text. */
  readonly tls: { readonly minVersion: string; readonly clientCertificates: string | undefined } | undefined;
}

/** One address of an upstream's server, as the control plane knows it. */
export interface ServerView {
  /** `host:port`, or `unix:/path`: of this address, and of the server as configured. */
  readonly address: string;
  readonly server: string;
  readonly weight: number;
  readonly backup: boolean;
  /** As an operator has set it. */
  readonly mode: 'ready' | 'drain' | 'down';
  /** Undefined: no check is configured. */
  readonly health: HealthView | undefined;
  /** How the last look-up of its name failed, and when the next one comes; undefined for an address that is no name. */
  readonly lookup:
    | { readonly lastError: string | undefined; readonly nextSeconds: number | undefined }
    | undefined;
}

/** What the checks of a server found; times in milliseconds since the epoch. */
export interface HealthView {
  readonly healthy: boolean;
  readonly since: number;
  /** Failures in a row. */
  readonly fails: number;
  readonly last:
    | {
        /** `ok`, or why it failed. */
        readonly result: string;
        readonly detail: string;
        readonly at: number;
        readonly tookMs: number;
      }
    | undefined;
}

export interface UpstreamView {
  readonly name: string;
  readonly servers: readonly ServerView[];
}

export interface RouteView {
  /** As in the metrics. */
  readonly name: string;
  /** Whose tokens it takes; empty: it asks for none. */
  readonly issuers: readonly string[];
  readonly upstream: string;
}

/** Times in milliseconds since the epoch. */
export interface ConfigurationView {
  /** Absolute name of the file; undefined for a configuration that is not from a file. */
  readonly file: string | undefined;
  /** When the configuration in force was loaded. */
  readonly loadedAt: number;
  /** The last attempt to put another configuration in force; `faults` is empty when it succeeded. Undefined: no attempt. */
  readonly lastReload:
    | { readonly at: number; readonly ok: boolean; readonly faults: readonly string[] }
    | undefined;
}

/** Revocations in force; times in wall-clock seconds, undefined when no revocation has a time. */
export interface RevocationsView {
  readonly entries: number;
  /** How many of them came only from Redis. */
  readonly foreign: number;
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
}

/** The facts that the admin address shows of the gateway, read on demand. Label values must come from a bounded set. */
export interface AdminView {
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Seconds since the start, by a clock that never steps back. */
  uptimeSeconds(): number;
  /** Bound addresses of traffic. */
  addresses(): readonly string[];
  listen(): Iterable<ListenView>;
  /** Empty when the gateway can take traffic. */
  notReady(): readonly NotReady[];
  /** Collects the figures of all servers. That may take a moment, so `/healthz` and `/readyz` do without. */
  gather(): Promise<GatewayFigures>;
  configuration(): ConfigurationView;
  keySets(): Iterable<KeySetView>;
  routes(): Iterable<RouteView>;
  upstreams(): Iterable<UpstreamView>;
  /** Checks of servers by upstream and result. */
  healthChecks(): Iterable<{ readonly upstream: string; readonly result: string; readonly count: number }>;
  certificates(): Iterable<CertificateView>;

  /** Undefined where nothing can be revoked. */
  revocations(): RevocationsView | undefined;
  /** Revocations received and put in force, by source. */
  revocationsReceived(): Iterable<{ readonly source: string; readonly count: number }>;
  /** Requests to revoke that were refused, by source. */
  revocationsRefused(): Iterable<{ readonly source: string; readonly count: number }>;

  /** Receives an error of a page or handler; the client gets a plain 500 without its text. */
  fault(error: unknown): void;
}
