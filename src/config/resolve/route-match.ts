import { foldedText, kindOf, type MatchKind, prefixOf } from '../../http/path-match.ts';
import { isRefusedMethod } from '../../http/request-rules.ts';
import { guardOf } from '../../lib/guard.ts';
import type { RouteConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import { parseHost } from '../schema/address.ts';
import type { FileRoute } from '../schema/route.ts';
import type { Findings } from './findings.ts';
import { textOf, whyNoPath } from './route-path.ts';

const WILDCARD = '*.';
const KINDS = ['path', 'prefix', 'exact'] as const satisfies readonly MatchKind[];

type Match = RouteConfig['match'];

/** The requests that a route of the file takes. */
export function resolveMatch(route: FileRoute, path: KeyPath, findings: Findings): Match {
  if (route.match === undefined) {
    findings.missing([...path, 'match'], 'what the route applies to, such as { path: / }');
    return { host: undefined, path: '/', methods: undefined };
  }
  const at = [...path, 'match'];
  const { host, methods } = route.match;
  const canonical = host === undefined ? undefined : canonicalHost(host);
  if (host !== undefined && canonical === undefined) {
    findings.fault(
      [...at, 'host'],
      'is not a host name; must be one such as api.example.com, or *.example.com for all below it, without port',
    );
  }
  methods?.forEach((method, index) => {
    if (methods.indexOf(method) < index) {
      findings.fault([...at, 'methods', index], 'stands in the list twice; must stand once');
    } else if (isRefusedMethod(method)) {
      findings.fault([...at, 'methods', index], 'is refused on every route; must be left out');
    }
  });
  return { host: canonical, ...resolvePath(route.match, at, findings), methods };
}

function resolvePath(
  written: NonNullable<FileRoute['match']>,
  at: KeyPath,
  findings: Findings,
): Pick<Match, 'path' | 'kind'> {
  const [first, second] = KINDS.filter((kind) => written[kind] !== undefined);
  if (first === undefined) return { path: '/' };
  if (second !== undefined) {
    findings.fault(
      [...at, second],
      `stands beside ${first}; must be the only one of path, prefix and exact`,
      'key',
    );
  }
  const text = written[first] as NonNullable<(typeof written)[MatchKind]>;
  const obstacle = whyNoPath(text, first);
  if (obstacle !== undefined) findings.fault([...at, first], obstacle);
  const path = textOf(text);
  const kind = kindOf(first === 'path' ? { path } : { path, kind: first });
  return kind === 'path' ? { path } : { path, kind };
}

/** The host as a Host field has it: IPv6 in brackets. A wildcard needs a name, as addresses have no subdomains. */
function canonicalHost(text: string): string | undefined {
  if (text.startsWith(WILDCARD)) {
    const parent = parseHost(text.slice(WILDCARD.length));
    return parent === undefined || /^[\d.]+$|:/.test(parent) ? undefined : WILDCARD + parent;
  }
  const host = parseHost(text.replace(/^\[(.*:.*)\]$/, '$1'));
  return host?.includes(':') ? `[${host}]` : host;
}

/** Finds routes of a file of which one takes requests of another. */
export class Matches {
  readonly #findings: Findings;
  readonly #byFold = new Map<string, { readonly route: RouteConfig; readonly path: KeyPath }[]>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** @param path the route's place in the file. */
  add(route: RouteConfig, path: KeyPath): void {
    // The default stands for a part that is wrong already.
    if (this.#findings.wasWrongInside([...path, 'match'])) return;
    const { match } = route;
    const neighbours = this.#byFold.get(foldKey(match)) ?? [];
    this.#byFold.set(foldKey(match), neighbours);
    const twin = neighbours.find((other) => sameMatch(other.route.match, match));
    const rival = neighbours.find((other) => isMistakable(other.route, route));
    if (twin !== undefined) {
      const place = this.#findings.placeOf([...twin.path, 'match']);
      this.#findings.fault(
        [...path, 'match'],
        `matches the same requests as the route ${twin.route.name} (${place}); must differ from it`,
        'key',
      );
    } else if (rival !== undefined) {
      const place = this.#findings.placeOf([...rival.path, 'match']);
      const readers = 'servers that ignore case, accents, escapes or a slash at the end';
      this.#findings.fault(
        [...path, 'match', match.kind ?? 'path'],
        `is the path of the route ${rival.route.name} (${place}) to ${readers}, so requests for either are refused; must differ in more`,
      );
    }
    neighbours.push({ route, path });
  }
}

/** Equal for matches that some server could take for each other; only those are compared. */
function foldKey(match: Match): string {
  return `${match.host ?? ''} ${kindOf(match)} ${foldedText(match) ?? match.path}`;
}

function sameMatch(a: Match, b: Match): boolean {
  if (a.host !== b.host || a.path !== b.path) return false;
  if (a.methods === undefined || b.methods === undefined) return a.methods === b.methods;
  return a.methods.some((method) => b.methods?.includes(method));
}

/** Whether some server's reading of a request fits both matches. Such a request is refused as ambiguous. */
function isMistakable(one: RouteConfig, other: RouteConfig): boolean {
  const [a, b] = [one.match, other.match];
  if (a.path === b.path) return false;
  // Both spellings of one page may well be written down, if nothing depends on which of them it is.
  if (prefixOf(a.path) === prefixOf(b.path) && guardOf(one) === guardOf(other)) return false;
  if (a.methods === undefined || b.methods === undefined) return true;
  // A route for GET takes HEAD too.
  const methods = new Set(a.methods.includes('GET') ? [...a.methods, 'HEAD'] : a.methods);
  return b.methods.some((method) => methods.has(method) || (method === 'GET' && methods.has('HEAD')));
}

/** `GET,PUT host/path (exact)`: unlike that of every other match, as no path has a blank. */
export function nameOf({ host, path, kind, methods }: Match): string {
  const limited = methods === undefined ? '' : `${methods.join(',')} `;
  return `${limited}${host ?? ''}${path}${kind === undefined ? '' : ` (${kind})`}`;
}
