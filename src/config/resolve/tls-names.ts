import type { RouteConfig, TrafficAddress } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { Findings } from './findings.ts';

/**
 * Warns of a certificate none of whose names is a host of a route, and of a host for which no certificate is there.
 * @param paths of each address in the file.
 */
export function warnAboutNames(
  paths: readonly KeyPath[],
  listen: readonly TrafficAddress[],
  routes: readonly RouteConfig[],
  findings: Findings,
): void {
  const hosts = new Set(routes.map(({ match }) => match.host));
  if (!hosts.has(undefined) && routes.length > 0) {
    listen.forEach(({ tls }, at) => {
      tls?.certificates.forEach(({ names, name }, index) => {
        if (names.length === 0 || names.some((one) => [...hosts].some((host) => meets(one, host as string))))
          return;
        const path = [...(paths[at] ?? []), 'tls', 'certificates'];
        findings.warn(
          tls.certificates.length > 1 ? [...path, index] : path,
          `is for ${name}, and no route serves that host; a route is missing, or the certificate can go`,
        );
      });
    });
  }
  if (!listen.every(({ tls }) => tls !== undefined)) return;
  const named = listen.flatMap(({ tls }) => tls?.certificates ?? []).flatMap(({ names }) => names);
  routes.forEach(({ match: { host } }, index) => {
    if (host === undefined || named.length === 0 || named.some((one) => meets(one, host))) return;
    findings.warn(
      ['routes', index, 'match', 'host'],
      `is ${host}, which no certificate names, so that clients refuse the connection; a certificate for it is missing`,
    );
  });
}

/** Whether a client can ask for a host that both mean; either may be `*.name`. */
function meets(a: string, b: string): boolean {
  return a === b || covers(a, b) || covers(b, a);
}

function covers(wildcard: string, name: string): boolean {
  return wildcard.startsWith('*.') && name.endsWith(wildcard.slice(1));
}
