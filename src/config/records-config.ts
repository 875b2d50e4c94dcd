import type { LogFormat } from '../lib/log.ts';
import type { ClaimName } from './claim-name.ts';

/** Which requests are traced, and where their spans go. */
export interface TracingConfig {
  /** The URL that takes spans by OTLP over HTTP. */
  readonly otlp: string;
  /** The share of traces that begin here, or whose caller is not trusted; from 0 to 1. */
  readonly sample: number;
  /** Whose word counts on whether a trace is sampled. */
  readonly trust: 'trustedProxies' | 'everyone' | 'nobody';
  /** Spans have the path of the request. */
  readonly paths: boolean;
}

/** Where the lines of the access log go, and what they have. */
export interface AccessLogConfig {
  /** Of lines that do not go to the log; undefined: the format of the log. */
  readonly format?: LogFormat | undefined;
  /** Absolute path of a file. At most one of `file` and `syslog` is there. */
  readonly file?: string | undefined;
  readonly syslog?: SyslogConfig | undefined;
  /** In this order; undefined: all. */
  readonly fields?: readonly string[] | undefined;
  /** Claims of the token of a request that was let in; undefined: none. */
  readonly claims?: readonly ClaimName[] | undefined;
}

export interface SyslogConfig {
  readonly server:
    | {
        readonly transport: 'udp' | 'tcp';
        readonly host: string;
        readonly port: number;
        readonly text: string;
      }
    | { readonly transport: 'unix'; readonly path: string; readonly text: string };
  readonly facility: 'user' | 'daemon' | `local${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`;
}

/** What metrics have beyond the usual. */
export interface MetricsConfig {
  /** What has a histogram of its own. */
  readonly histograms: readonly ('route' | 'upstream')[];
  /** Histograms have trace ids for scrapers of OpenMetrics. */
  readonly exemplars: boolean;
}
