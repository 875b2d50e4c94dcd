import type { PreflightConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileCors } from '../schema/cors.ts';
import type { Findings } from './findings.ts';

const ANY = '*';
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/([a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[1-9]\d{0,4})?$/;
/** Methods that browsers allow without a list (Fetch standard, CORS-safelisted methods). */
const SAFE_METHODS = ['GET', 'HEAD', 'POST'] as const;
/** Keys that describe the gateway's reply. */
const ANSWER_KEYS = ['origins', 'methods', 'headers', 'maxAge', 'credentials'] as const;

/**
 * The treatment of one route's preflight requests.
 * @param path the route's place in the file; `cors` is a key of the route.
 * @param matched the methods that the route takes; undefined: all.
 */
export function resolvePreflight(
  cors: FileCors | undefined,
  matched: readonly string[] | undefined,
  path: KeyPath,
  findings: Findings,
): PreflightConfig {
  const at = [...path, 'cors'];
  const kind = cors?.preflight ?? 'authenticate';
  if (cors === undefined || kind !== 'answer') {
    for (const key of ANSWER_KEYS) {
      if (cors?.[key] === undefined) continue;
      findings.fault(
        [...at, key],
        'is for preflight: answer only; must be left out, or preflight answer',
        'key',
      );
    }
    return { kind: kind === 'pass' ? 'pass' : 'authenticate' };
  }
  if (cors.origins === undefined) {
    findings.missing([...at, 'origins'], 'a list of origins such as [https://app.example.com]');
  }
  const origins = cors.origins ?? [];
  origins.forEach((origin, index) => {
    const here = [...at, 'origins', index];
    if (origins.indexOf(origin) < index) findings.fault(here, 'stands in the list twice; must stand once');
    else if (origin === ANY) refuseAny(cors, here, findings);
    else if (!isOrigin(origin)) {
      findings.fault(
        here,
        'is not an origin as browsers send it; must be scheme://host in small letters, with the port if it is not the usual one, and nothing behind, such as https://app.example.com',
      );
    }
  });
  const methods = cors.methods ?? matched ?? SAFE_METHODS;
  const headers = (cors.headers ?? []).map((name) => name.toLowerCase());
  for (const [key, values] of [
    ['methods', cors.methods ?? []],
    ['headers', headers],
  ] as const) {
    values.forEach((value, index) => {
      if (values.indexOf(value) < index) {
        findings.fault([...at, key, index], 'stands in the list twice; must stand once');
      }
    });
  }
  return {
    kind: 'answer',
    origins: origins.includes(ANY) ? ANY : origins,
    methods,
    headers,
    maxAgeMs: cors.maxAge,
    credentials: cors.credentials ?? false,
  };
}

/** Refuses `*` with credentials: every site could act for every user who is logged in. Browsers refuse it too. */
function refuseAny(cors: FileCors, here: KeyPath, findings: Findings): void {
  if (cors.credentials === true) {
    findings.fault(
      here,
      'does not go with credentials: true; must be a list of origins, or credentials false',
    );
  } else if ((cors.origins?.length ?? 0) > 1) {
    findings.fault(here, 'stands beside other origins; must be alone, or left out');
  }
}

/**
 * Whether a text is an origin as browsers send it (RFC 6454 §6.2). `null` is refused: every sandboxed frame sends it.
 * Apps have their own schemes, such as capacitor://localhost.
 */
function isOrigin(text: string): boolean {
  if (!ORIGIN.test(text)) return false;
  return !/^https?:/.test(text) || (URL.canParse(text) && new URL(text).origin === text);
}
