import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** Suites of TLS 1.3 (RFC 8446 §9.1). Node.js turns that version off for a list without any. */
const SUITES = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
/** Suites of TLS 1.2 with forward secrecy and AEAD (RFC 7525 §4.2). */
const DEFAULT_12 = [
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
].join(':');
/** What no list of a configuration may bring back: suites without authentication or encryption, and broken ones. */
const NEVER = '!aNULL:!eNULL:!EXPORT:!RC4:!DES:!3DES:!MD5:!PSK:!SRP';

/** An entry of an OpenSSL list. `@SECLEVEL` and other commands are left out: they weaken more than the suites. */
const ENTRY = /^[!+-]?[A-Za-z0-9_-]+(\+[A-Za-z0-9_-]+)*$/;

/** The list for OpenSSL, or why there is none. @param list `default`, or an OpenSSL list for TLS 1.2. */
export function cipherList(list: string): { readonly ciphers: string } | { readonly fault: string } {
  if (list === 'default') return { ciphers: `${SUITES}:${DEFAULT_12}` };
  const entries = list.split(/[:, ]/).filter((entry) => entry !== '');
  const wrong = entries.findIndex((entry) => !isKnown(entry));
  if (wrong >= 0) {
    return { fault: `has an entry that OpenSSL does not know, its number ${wrong + 1}` };
  }
  const ciphers = `${SUITES}:${entries.filter((entry) => !entry.startsWith('TLS_')).join(':')}:${NEVER}`;
  const fault = contextFault({ ciphers, maxVersion: 'TLSv1.2' });
  return fault === undefined ? { ciphers } : { fault: 'leaves no suite for TLS 1.2' };
}

function isKnown(entry: string): boolean {
  if (!ENTRY.test(entry)) return false;
  if (entry.startsWith('!') || entry.startsWith('-')) return true;
  return contextFault({ ciphers: entry.replace(/^\+/, '') }) === undefined;
}

/** Why OpenSSL makes no context of these, as its code; undefined when it does. Its message may quote material. */
export function contextFault(options: SecureContextOptions): string | undefined {
  try {
    createSecureContext(options);
    return undefined;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code ?? 'no code');
  }
}
