/** Why a server is down. */
export type DownCause =
  | 'name_not_found'
  | 'refused'
  | 'unreachable'
  | 'timeout'
  | 'reset'
  | 'invalid_response'
  /** The server does not speak HTTP/2, as its `protocol` says. */
  | 'no_http2'
  /** The server's certificate, or one that signed it, is not valid now. */
  | 'certificate_expired'
  /** The server's certificate does not name the host. */
  | 'certificate_name'
  /** No authority that the gateway trusts has signed the server's certificate. */
  | 'certificate_untrusted'
  /** The TLS handshake failed otherwise. */
  | 'tls_failed'
  /** The gateway has no descriptor or port left for a connection, or no right to make one. */
  | 'no_socket'
  /** The server answered with 502, 503 or 504. This ejects it, and does not make it down. */
  | 'unavailable'
  | 'failed';

/** A server of an upstream. */
export interface ServerName {
  readonly upstream: string;
  /** `host:port`, or `unix:/path`. */
  readonly address: string;
}

/** An ejection under way: plain data. */
export interface Ejected {
  /** Wall-clock milliseconds of its end. */
  readonly until: number;
  /** The last failure before it. */
  readonly cause: DownCause;
  /** Its number in a row. */
  readonly times: number;
}

/** The state of a server as one process knows it: plain data. */
export interface ServerReport extends ServerName {
  /** `untried` before the first request to it. */
  readonly state: 'untried' | 'up' | 'down';
  /** Why it is down. */
  readonly cause: DownCause | undefined;
  /** Wall-clock milliseconds of the last change. */
  readonly since: number;
  /** Attempts that failed since it was last up. */
  readonly failed: number;
  /** Undefined: it gets requests, as far as failures in a row go. */
  readonly ejected: Ejected | undefined;
}

/** A change of a server's state, or the beginning or end of an ejection. */
export interface ServerEvent {
  readonly what: 'state' | 'ejection';
  readonly report: ServerReport;
}
