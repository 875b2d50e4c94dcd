import type { Reason } from '../reasons.ts';
import type { DownCause } from './server-report.ts';

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
