import type { Config } from '../config/config.ts';
import { addressText } from '../http/host-port.ts';
import type { Clock } from '../lib/clock.ts';
import type { Reason } from '../reasons.ts';
import type { ServerFact } from './server-facts.ts';
import type { DownCause, ServerName, ServerReport } from './server-report.ts';

const causes: Readonly<Record<string, DownCause>> = {
  ENOTFOUND: 'name_not_found',
  EAI_AGAIN: 'name_not_found',
  EAI_FAIL: 'name_not_found',
  EAI_NODATA: 'name_not_found',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  EMFILE: 'no_socket',
  ENFILE: 'no_socket',
  EADDRNOTAVAIL: 'no_socket',
  EACCES: 'no_socket',
  EPERM: 'no_socket',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate_name',
  HOSTNAME_MISMATCH: 'certificate_name',
  EPROTO: 'tls_failed',
};

/** Codes of OpenSSL for a certificate that it does not trust (X509_verify_cert_error_string(3)). */
const untrusted =
  /^(UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_|CERT_|INVALID_(CA|PURPOSE)|PATH_LENGTH|ERROR_IN_CERT)/;
/** Codes of Node.js for faults of TLS. */
const ofTls = /^ERR_(SSL|TLS|OSSL)_/;

/** The cause for an error of a socket; `otherwise` where the error does not say. */
export function causeOf(error: Error | undefined, otherwise: DownCause): DownCause {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const known = causes[code];
  if (known !== undefined) return known;
  if (untrusted.test(code)) return 'certificate_untrusted';
  return ofTls.test(code) ? 'tls_failed' : otherwise;
}

const causesOfReasons: Partial<Record<Reason, DownCause>> = {
  upstream_reset: 'reset',
  upstream_timeout: 'timeout',
  upstream_invalid_response: 'invalid_response',
};

/** The cause for an attempt that failed on an established connection. */
export function causeOfReason(reason: Reason): DownCause {
  return causesOfReasons[reason] ?? 'failed';
}

/**
 * Failures in a row on established connections, after which a server counts as down: one or two are faults of single
 * requests.
 */
const FAILURES_IN_A_ROW = 3;

/** Milliseconds after which a failure no longer counts. */
const STALE_MS = 60_000;

/**
 * Whether a server works, as its requests show. It is down when a connection cannot be made, or after failures in a row
 * on established connections. It is up with the next response; if no connection could be made, with the next connection.
 */
export class ServerState {
  /** The next response changes the state. Compared for each response. */
  failing = true;
  readonly #upstream: string;
  readonly #address: string;
  readonly #clock: Clock;
  readonly #onChange: (report: ServerReport) => void;
  #state: ServerReport['state'] = 'untried';
  #cause: DownCause | undefined;
  #since: number;
  #failed = 0;
  #failedAt = 0;
  #unconnected = false;

  constructor(name: ServerName, clock: Clock, onChange: (report: ServerReport) => void) {
    this.#upstream = name.upstream;
    this.#address = name.address;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#since = clock.wall();
  }

  get report(): ServerReport {
    return {
      upstream: this.#upstream,
      address: this.#address,
      state: this.#state,
      cause: this.#cause,
      since: this.#since,
      failed: this.#failed,
    };
  }

  /** No connection can be made to it. A probe finds out when that ends, even without a request. */
  get wantsProbe(): boolean {
    return this.#unconnected;
  }

  /** A connection could not be made. @param asked it was for a request, not for a probe. */
  unreachable(cause: DownCause, asked: boolean): void {
    this.#unconnected = true;
    if (asked) this.#count(cause, 1);
    else this.#cause = cause;
  }

  /** An attempt failed on an established connection. */
  broke(cause: DownCause): void {
    this.#count(cause, FAILURES_IN_A_ROW);
  }

  connected(): void {
    if (!this.#unconnected) return;
    this.#unconnected = false;
    this.#recover();
  }

  /** It has answered a request. */
  answered(): void {
    this.#recover();
  }

  /**
   * Called every few seconds. A server that failed on established connections, and that no request has tried since, may
   * work again, so its state becomes `untried`. A server without connections is probed instead.
   */
  review(): void {
    if (this.#state !== 'down' || this.#unconnected) return;
    if (this.#clock.monotonic() - this.#failedAt < STALE_MS) return;
    this.#cause = undefined;
    this.#change('untried');
    this.#failed = 0;
  }

  #recover(): void {
    this.failing = false;
    this.#cause = undefined;
    if (this.#state !== 'up') this.#change('up');
    this.#failed = 0;
  }

  #change(state: ServerReport['state']): void {
    this.#state = state;
    this.#since = this.#clock.wall();
    this.#onChange(this.report);
  }

  #count(cause: DownCause, least: number): void {
    this.failing = true;
    this.#failedAt = this.#clock.monotonic();
    this.#failed += 1;
    this.#cause = cause;
    if (this.#state === 'down' || this.#failed < least) return;
    this.#change('down');
  }
}

/** The states of the servers of one process; a state outlives a change of the configuration as long as its server stays. */
export class ServerStates {
  readonly #clock: Clock;
  readonly #onChange: (report: ServerReport) => void;
  readonly #states = new Map<string, ServerState>();

  constructor(clock: Clock, onChange: (report: ServerReport) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  of(server: ServerName): ServerState {
    const key = serverKey(server);
    let state = this.#states.get(key);
    if (state === undefined) {
      state = new ServerState(server, this.#clock, this.#onChange);
      this.#states.set(key, state);
    }
    return state;
  }

  /** Forgets all servers but these. */
  keep(servers: Iterable<ServerName>): void {
    const kept = new Set(Array.from(servers, serverKey));
    for (const key of this.#states.keys()) if (!kept.has(key)) this.#states.delete(key);
  }
}

/** The servers of a configuration, with the addresses that are known of them. */
export function serversOf(
  { upstreams }: Pick<Config, 'upstreams'>,
  facts: ReadonlyMap<string, readonly ServerFact[]>,
): ServerName[] {
  return Array.from(upstreams.values(), ({ name, servers }) =>
    [...servers, ...(facts.get(name) ?? [])].map(({ address }) => ({
      upstream: name,
      address: addressText(address),
    })),
  ).flat();
}

export function serverKey({ upstream, address }: ServerName): string {
  return JSON.stringify([upstream, address]);
}
