import type { Config, RouteConfig } from '../config.ts';
import { isLoopback } from '../schema/address.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';

/** Names that look like those of fields and not of claims: X-User, Remote-User. */
const HEADER_LIKE = /^(?:x-[a-z0-9-]+|[A-Z][A-Za-z0-9]*(?:-[A-Z][A-Za-z0-9]*)+)$/i;

type Resolved = Pick<Config, 'routes' | 'issuers' | 'admin'>;

/** Warns of settings that are allowed but hardly intended. Each warning names the probable intention. */
export function warnAboutSlips(file: FileConfig, resolved: Resolved, findings: Findings): void {
  warnAboutUnused(file, resolved, findings);
  const { admin } = resolved;
  if (admin.secret === undefined && 'host' in admin && !isLoopback(admin.host)) {
    findings.warn(
      ['admin'],
      'is reached from other machines: metrics, status and, with revocation, POST /revocations; 127.0.0.1 or a unix socket is meant, or a secret, unless something else keeps others away',
    );
  }
  file.routes?.forEach((route, index) => {
    for (const [header, mapping] of Object.entries(route.forward.headers)) {
      if (typeof mapping !== 'string' || !HEADER_LIKE.test(mapping) || HEADER_LIKE.test(header)) continue;
      findings.warn(
        ['routes', index, 'forward', 'headers', header],
        `sends the claim ${mapping} as the header ${header}; { ${mapping}: ${header} } is meant if ${header} is the claim`,
      );
    }
  });
}

function warnAboutUnused(file: FileConfig, { routes, issuers }: Resolved, findings: Findings): void {
  const upstreams = new Set(routes.map(({ upstream }) => upstream));
  for (const name of Object.keys(file.upstreams)) {
    if (!upstreams.has(name))
      findings.warn(['upstreams', name], 'is used by no route; a route is missing, or it can go');
  }
  if (routes.length === 0 || issuers.size === 0) return;
  const isPublic = ({ auth }: RouteConfig): boolean => auth === 'none';
  if (routes.every(isPublic)) {
    findings.warn(
      ['issuers'],
      `are defined, and no route asks for a token: auth: none lets every request in; auth: ${[...issuers.keys()][0]} is meant for a route that is to be guarded`,
    );
    return;
  }
  const asked = new Set(routes.flatMap(({ auth }) => auth));
  for (const name of issuers.keys()) {
    if (!asked.has(name))
      findings.warn(['issuers', name], 'is used by no route; a route is missing, or it can go');
  }
}
