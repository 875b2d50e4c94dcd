import { parseHost } from './address.ts';
import type { RouteConfig, UpstreamConfig } from './config.ts';
import type { KeyPath } from './fault.ts';
import type { Findings } from './findings.ts';
import { resolveHeaders } from './forward-headers.ts';
import { nearest } from './nearest.ts';
import { resolveServer, upstreamDefaults } from './resolve-upstream.ts';
import type { FileConfig, FileRoute } from './schema.ts';

const NONE = 'none';
/**
 * Visible ASCII without the characters that end a path or that servers read in different ways; escapes only of bytes
 * that cannot stand for themselves, in the one spelling RFC 3986 §6.2.2.1 prefers.
 */
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,:@/=-]|%[89A-F][0-9A-F])*$/;

type Match = RouteConfig['match'];

/** Routes of the file, or the one of the short form. Adds the upstreams that routes name by URL to `upstreams`. */
export function resolveRoutes(
  file: FileConfig,
  upstreams: Map<string, UpstreamConfig>,
  findings: Findings,
): readonly RouteConfig[] {
  const routes: RouteConfig[] = [];
  for (const { route, path } of listRoutes(file, findings)) {
    if (findings.wasWrong(path) && path.length > 0) continue;
    const match = resolveMatch(route, path, findings);
    const twin = routes.find((other) => sameMatch(other.match, match));
    if (twin !== undefined) {
      findings.fault(
        [...path, 'match'],
        `matches the same requests as the route ${twin.name}; must differ from it`,
        'key',
      );
    }
    routes.push({
      name: nameOf(match),
      match,
      auth: resolveAuth(route, file, path, findings),
      upstream: resolveUpstream(route.upstream, file, upstreams, [...path, 'upstream'], findings),
      forward: {
        headers: resolveHeaders(route.forward.headers, [...path, 'forward', 'headers'], findings),
        token: route.forward.token,
        forwarded: new Set(route.forward.forwarded),
      },
    });
  }
  return routes;
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

function resolveMatch(route: FileRoute, path: KeyPath, findings: Findings): Match {
  if (route.match === undefined) {
    findings.missing([...path, 'match'], 'what the route applies to, such as { path: / }');
    return { host: undefined, path: '/', methods: undefined };
  }
  const at = [...path, 'match'];
  const { host, path: prefix, methods } = route.match;
  const canonical = host === undefined ? undefined : parseHost(host.replace(/^\[(.*:.*)\]$/, '$1'));
  if (host !== undefined && canonical === undefined) {
    findings.fault(
      [...at, 'host'],
      'is not a host name; must be one such as api.example.com, without port or wildcard',
    );
  }
  const obstacle = whyNoPath(prefix);
  if (obstacle !== undefined) findings.fault([...at, 'path'], obstacle);
  methods?.forEach((method, index) => {
    if (methods.indexOf(method) < index) {
      findings.fault([...at, 'methods', index], 'stands in the list twice; must stand once');
    }
  });
  return { host: canonical?.includes(':') ? `[${canonical}]` : canonical, path: prefix, methods };
}

function whyNoPath(path: string): string | undefined {
  if (!path.startsWith('/')) return 'does not start with /; must be a path such as /orders';
  if (!PATH.test(path)) {
    return "has characters that paths are not compared by; must be letters, digits and -._~!$&'()*+,:@= between slashes";
  }
  // Such a path would never match, or match in one server what it does not in the next.
  if (/\/\/|\/\.{1,2}(\/|$)/.test(path)) return 'has an empty, "." or ".." segment; must be without';
  if (path.length > 1 && path.endsWith('/')) {
    return 'ends with /; must be without, as /orders covers /orders and all below it';
  }
  return undefined;
}

function sameMatch(a: Match, b: Match): boolean {
  if (a.host !== b.host || a.path !== b.path) return false;
  if (a.methods === undefined || b.methods === undefined) return a.methods === b.methods;
  return a.methods.some((method) => b.methods?.includes(method));
}

function nameOf({ host, path, methods }: Match): string {
  return `${methods === undefined ? '' : `${methods.join(',')} `}${host ?? ''}${path}`;
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
        known.length === 0 ? 'none, or there must be issuers' : `one of ${known.join(', ')}, or none`,
      );
    }
    return [];
  }
  if (route.auth === NONE) return NONE;
  const names = [route.auth].flat();
  names.forEach((name, index) => {
    const here = Array.isArray(route.auth) ? [...at, index] : at;
    if (name === NONE) findings.fault(here, 'none stands in a list; must be none alone, or names of issuers');
    else if (names.indexOf(name) < index) findings.fault(here, 'stands in the list twice; must stand once');
    else if (!known.includes(name)) refuseName('issuer', name, known, ['issuers'], here, findings);
  });
  return names;
}

function resolveUpstream(
  name: string | undefined,
  file: FileConfig,
  upstreams: Map<string, UpstreamConfig>,
  path: KeyPath,
  findings: Findings,
): string {
  if (name === undefined) {
    findings.missing(path, 'the name of an upstream, or a URL such as http://127.0.0.1:9000');
    return '';
  }
  if (Object.hasOwn(file.upstreams, name)) return name;
  if (!name.includes('://')) {
    refuseName('upstream', name, Object.keys(file.upstreams), ['upstreams'], path, findings);
    return name;
  }
  const server = resolveServer(name, path, findings);
  if (server === undefined) return name;
  const anonymous = upstreamDefaults(server);
  if (!upstreams.has(anonymous.name)) upstreams.set(anonymous.name, anonymous);
  return anonymous.name;
}

function refuseName(
  what: string,
  name: string,
  known: readonly string[],
  section: KeyPath,
  path: KeyPath,
  findings: Findings,
): void {
  if (findings.wasWrong([...section, name])) return;
  const meant = nearest(name, known);
  const right =
    meant ??
    (known.length === 0 ? `an entry of ${section.join('.')}, which is empty` : `one of ${known.join(', ')}`);
  findings.fault(
    path,
    `${findings.quote(path, name)} is not the name of an ${what}; must be ${right}${meant === undefined ? '' : ' if that is meant'}`,
  );
}
