import type { PreflightConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileCors } from '../schema/cors.ts';
import type { Findings } from './findings.ts';

const ANY = '*';
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/([a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[1-9]\d{0,4})?$/;
/** Browsers let these through without asking for them (Fetch standard, CORS-safelisted methods). */
const SAFE_METHODS = ['GET', 'HEAD', 'POST'] as const;
/** Keys that say what the gateway answers. */
const ANSWER_KEYS = ['origins', 'methods', 'headers', 'maxAge', 'credentials'] as const;

/**
 * What becomes of the preflight requests of one route.
 * @param path where the route stands; `cors` is a key of it.
 * @param matched the methods that the route is limited to.
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

/** With credentials every site of the world could act for every user who is logged in; browsers refuse that too. */
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
 * An origin in the one form that browsers send (RFC 6454 §6.2). `null` is none: every sandboxed frame sends it. Apps
 * have schemes of their own, such as capacitor://localhost.
 */
function isOrigin(text: string): boolean {
  if (!ORIGIN.test(text)) return false;
  return !/^https?:/.test(text) || (URL.canParse(text) && new URL(text).origin === text);
}
