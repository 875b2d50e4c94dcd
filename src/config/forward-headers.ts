import type { KeyPath } from './fault.ts';
import type { Findings } from './findings.ts';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;

/** Fields that frame or route the message, belong to one connection (RFC 9110 §7.6.1), or are set by the gateway. */
const RESERVED: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

/** Checks the mapping from header names to claims; what is wrong goes to the findings. */
export function resolveHeaders(
  headers: Readonly<Record<string, string>>,
  path: KeyPath,
  findings: Findings,
): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  const seen = new Map<string, string>();
  for (const [name, claim] of Object.entries(headers)) {
    const at = [...path, name];
    // Servers that pass headers on as variables read `-` and `_` as one, so that two such names are the same header.
    const spelling = name.toLowerCase().replaceAll('_', '-');
    const twin = seen.get(spelling);
    if (!TOKEN.test(name)) {
      findings.fault(at, 'is not a header name; must be letters, digits and "-" such as X-User-Id', 'key');
    } else if (RESERVED.has(spelling)) {
      findings.fault(at, 'is a header with a meaning of its own; must be another such as X-User-Id', 'key');
    } else if (twin !== undefined) {
      findings.fault(
        at,
        `is the same header as ${twin} for many servers; must differ in more than case, "-" and "_"`,
        'key',
      );
    }
    seen.set(spelling, name);
    if (claim.split('.').some((part) => part === '')) {
      findings.fault(at, 'has an empty part in the path of a claim; must be such as sub or realm.roles');
    }
    result.set(name, claim);
  }
  return result;
}
