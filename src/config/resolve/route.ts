import { guardOf } from '../../lib/guard.ts';
import type { RouteConfig, TokenPlace } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import { parseServer, parseUnixPath } from '../schema/address.ts';
import { nearest } from '../schema/nearest.ts';
import type { FileRoute } from '../schema/route.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { UpstreamConfig } from '../upstream-config.ts';
import { resolvePreflight } from './cors.ts';
import type { Findings } from './findings.ts';
import { resolveHeaders, writtenSpellings } from './forward-headers.ts';
import { refuseName } from './refuse-name.ts';
import { resolveRequire } from './require.ts';
import { resolveResponseHeaders } from './response-headers.ts';
import { resolveLifetimes } from './route-lifetimes.ts';
import { Matches, nameOf, resolveMatch } from './route-match.ts';
import { refuseWrittenPlaces, resolveToken } from './token.ts';
import { resolveServerUrl, upstreamDefaults } from './upstream.ts';
import type { UpstreamTlsResolver } from './upstream-tls.ts';

const NONE = 'none';
const DENY = 'deny';
/** Protocols whose bytes are requests, or hide them: nothing would judge these (RFC 9113 §3.2, RFC 2817). */
const CARRIES_REQUESTS = /^(?:h2c?|h3|http(?:\/.*)?|tls(?:\/.*)?)$/i;

/** The upstreams of a file, and the TLS of those that are still to come. */
interface Upstreams {
  readonly upstreams: Map<string, UpstreamConfig>;
  readonly tls: UpstreamTlsResolver;
}

/** Routes of the file, or the one of the short form. Adds the upstreams that routes name by URL to `upstreams`. */
export function resolveRoutes(
  file: FileConfig,
  folder: string,
  upstreams: Upstreams,
  findings: Findings,
): readonly RouteConfig[] {
  const routes: RouteConfig[] = [];
  const matches = new Matches(findings);
  const placed: { readonly token: readonly TokenPlace[]; readonly path: KeyPath }[] = [];
  for (const { route, path } of listRoutes(file, findings)) {
    if (findings.wasWrong(path) && path.length > 0) continue;
    const match = resolveMatch(route, path, findings);
    const responseHeaders = resolveResponseHeaders(
      route.responseHeaders,
      [...path, 'responseHeaders'],
      findings,
    );
    route.upgrade?.forEach((name, at) => {
      if (!CARRIES_REQUESTS.test(name)) return;
      const why = 'would carry requests that the gateway does not see';
      findings.fault([...path, 'upgrade', at], `${name} ${why}; must be left out`);
    });
    const isOpen = route.auth === NONE || route.auth === DENY;
    const token = resolveToken(route.token, isOpen, [...path, 'token'], findings);
    if (token !== undefined) placed.push({ token, path: [...path, 'token'] });
    const resolved: RouteConfig = {
      name: nameOf(match),
      match,
      auth: resolveAuth(route, file, path, findings),
      require: resolveRequire(route.require, isOpen, [...path, 'require'], findings),
      upstream: resolveUpstream(route.upstream, file, folder, upstreams, [...path, 'upstream'], findings),
      ...(token === undefined ? {} : { token }),
      forward: {
        ...resolveHeaders(route.forward, [...path, 'forward'], findings),
        token: route.forward.token,
        forwarded: new Set(route.forward.forwarded),
      },
      connectionAuth: route.connectionAuth ?? 'refuse',
      preflight: resolvePreflight(route.cors, match.methods, path, findings),
      ...(responseHeaders === undefined ? {} : { responseHeaders }),
      ...(route.upgrade === undefined ? {} : { upgrade: route.upgrade.map((name) => name.toLowerCase()) }),
      ...(route.origins === undefined ? {} : { origins: route.origins }),
      ...(route.rateLimit === undefined ? {} : { rateLimit: route.rateLimit }),
      ...resolveLifetimes(route, path, findings),
      ...(route.paths === 'plain' ? { paths: route.paths } : {}),
    };
    routes.push(resolved);
    matches.add(resolved, path);
  }
  warnAboutPlainPaths(routes, findings);
  const written = new Set(routes.flatMap(({ forward }) => writtenSpellings(forward)));
  for (const { token, path } of placed) refuseWrittenPlaces(token, written, path, findings);
  return routes;
}

/** Warns that `plain` lets another spelling reach a route that is guarded in another way. */
function warnAboutPlainPaths(routes: readonly RouteConfig[], findings: Findings): void {
  if (routes.every(({ paths }) => paths !== 'plain')) return;
  const guards = routes.map(guardOf);
  routes.forEach(({ name, paths }, index) => {
    if (paths !== 'plain') return;
    const other = routes.find((_, at) => guards[at] !== guards[index]);
    if (other === undefined) return;
    findings.warn(
      ['routes', index, 'paths'],
      `plain: a request in another spelling of a path such as that of the route ${other.name} is let in as ${name} is; safe only if its upstream compares paths as they are sent`,
    );
  });
}

function listRoutes(file: FileConfig, findings: Findings): readonly { route: FileRoute; path: KeyPath }[] {
  if (file.routes !== undefined) {
    for (const key of ['upstream', 'auth'] as const) {
      if (file[key] === undefined) continue;
      findings.fault(
        [key],
        'is the short form for a file without routes; must be part of a route here',
        'key',
      );
    }
    return file.routes.map((route, index) => ({ route, path: ['routes', index] }));
  }
  if (findings.wasWrong(['routes'])) return [];
  if ((['upstream', 'auth'] as const).every((key) => file[key] === undefined && !findings.wasWrong([key]))) {
    findings.missing(['routes'], 'a list of routes, or upstream with the URL of your service');
    return [];
  }
  const forward: FileRoute['forward'] = { headers: {}, token: 'keep', forwarded: ['for', 'proto', 'host'] };
  return [{ route: { match: { path: '/' }, auth: file.auth, upstream: file.upstream, forward }, path: [] }];
}

function resolveAuth(
  route: FileRoute,
  file: FileConfig,
  path: KeyPath,
  findings: Findings,
): RouteConfig['auth'] {
  const at = [...path, 'auth'];
  const known = Object.keys(file.issuers);
  if (route.auth === undefined) {
    if (known.length === 1) return known;
    if (!findings.wasWrong(['issuers'])) {
      findings.missing(
        at,
        known.length === 0
          ? 'none or deny, or there must be issuers'
          : `one of ${known.join(', ')}, none or deny`,
      );
    }
    return [];
  }
  if (route.auth === NONE) return NONE;
  if (route.auth === DENY) {
    if (route.cors !== undefined)
      findings.fault(
        [...path, 'cors'],
        'stands on a route that denies every request; must be left out',
        'key',
      );
    return [];
  }
  const names = [route.auth].flat();
  names.forEach((name, index) => {
    const here = Array.isArray(route.auth) ? [...at, index] : at;
    if (name === NONE || name === DENY)
      findings.fault(here, `${name} stands in a list; must be ${name} alone, or names of issuers`);
    else if (names.indexOf(name) < index) findings.fault(here, 'stands in the list twice; must stand once');
    else if (!known.includes(name)) refuseName('an issuer', name, known, ['issuers'], here, findings);
  });
  return names;
}

function resolveUpstream(
  name: string | undefined,
  file: FileConfig,
  folder: string,
  { upstreams, tls }: Upstreams,
  path: KeyPath,
  findings: Findings,
): string {
  if (name === undefined) {
    findings.missing(path, 'the name of an upstream, or a URL such as http://127.0.0.1:9000');
    return '';
  }
  if (Object.hasOwn(file.upstreams, name)) return name;
  // An address has a port or a dot; a name of the file hardly has one.
  const isAddress = /[:.]/.test(name) && parseServer(`http://${name}`) !== undefined;
  if (!name.includes('://') && isAddress && nearest(name, Object.keys(file.upstreams)) === undefined) {
    findings.fault(path, `${findings.quote(path, name)} has no scheme; must have http:// before it`);
    return name;
  }
  if (!name.includes('://') && parseUnixPath(name) === undefined) {
    refuseName('an upstream', name, Object.keys(file.upstreams), ['upstreams'], path, findings);
    return name;
  }
  const server = resolveServerUrl(name, path, folder, findings);
  if (server === undefined) return name;
  const anonymous = upstreamDefaults(server, tls);
  if (!upstreams.has(anonymous.name)) upstreams.set(anonymous.name, anonymous);
  return anonymous.name;
}
