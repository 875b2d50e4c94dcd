import { fieldSpelling } from '../../http/field-names.ts';
import { isToken } from '../../http/token.ts';
import type { RouteConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileBalance } from '../schema/upstream.ts';
import type { HashSource, UpstreamConfig } from '../upstream-config.ts';
import type { Findings } from './findings.ts';
import { writtenSpellings } from './forward-headers.ts';
import { checkClaimPath } from './require.ts';

/** Characters of a header name; real ones have below 64. */
const MAX_NAME = 256;

/** Fields in which any client can name any address. */
const OF_PROXIES: ReadonlySet<string> = new Set(['forwarded', 'x-forwarded-for']);

/** Undefined for the usual way, and for a fault, which goes to the findings. */
export function resolveBalance(
  balance: FileBalance,
  path: KeyPath,
  findings: Findings,
): UpstreamConfig['balance'] {
  if (balance === 'least-connections') return undefined;
  if (balance === 'round-robin') return balance;
  const at = [...path, 'hash'];
  if (balance.hash === undefined) {
    if (!findings.wasWrongInside(path)) findings.missing(at, 'client, "claim:sub" or "header:X-Shard"');
    return undefined;
  }
  const hash = parseSource(balance.hash, at, findings);
  return { hash, ...(balance.sticky ? { sticky: true } : {}) };
}

/** Reads `client`, `claim:NAME` or `header:NAME`. */
export function parseSource(text: string, path: KeyPath, findings: Findings): HashSource {
  if (text === 'client') return { kind: 'client' };
  const colon = text.indexOf(':');
  const name = text.slice(colon + 1);
  if (text.startsWith('claim:')) {
    if (name === '') {
      findings.fault(path, 'has no name of a claim; must be such as claim:sub or claim:realm.tenant');
    } else checkClaimPath(name, path, 'value', findings);
    return { kind: 'claim', claim: name };
  }
  if (name.length > MAX_NAME || !isToken(name)) {
    findings.fault(path, 'has no name of a header; must be letters, digits and "-" such as header:X-Shard');
  } else if (OF_PROXIES.has(fieldSpelling(name))) {
    findings.fault(
      path,
      'is a header by which a client can name any address; must be client, which believes only trustedProxies',
    );
  }
  return { kind: 'header', name: name.toLowerCase() };
}

/**
 * Refuses a hash whose value the requests of a route cannot have, or of which a client would decide in place of the
 * gateway.
 */
export function checkHashes(
  upstreams: ReadonlyMap<string, UpstreamConfig>,
  routes: readonly RouteConfig[],
  findings: Findings,
): void {
  const written = new Set(routes.flatMap(({ forward }) => writtenSpellings(forward)));
  for (const { name, balance } of upstreams.values()) {
    if (typeof balance !== 'object') continue;
    const users = routes.filter(({ upstream }) => upstream === name);
    refuseSource(balance.hash, users, written, 'upstream', ['upstreams', name, 'balance', 'hash'], findings);
  }
}

/**
 * Refuses a value of requests that these routes cannot have, or of which a client would decide in place of the gateway.
 * @param written headers that routes write for their upstreams. @param other what a public route could have another one of.
 */
export function refuseSource(
  source: HashSource,
  routes: readonly RouteConfig[],
  written: ReadonlySet<string>,
  other: 'upstream' | 'limit',
  path: KeyPath,
  findings: Findings,
): void {
  const open = routes.find(({ auth }) => auth === 'none');
  if (source.kind === 'claim' && open !== undefined) {
    findings.fault(
      path,
      `is a claim, and the route ${open.name} has auth: none; must be client or a header, or that route must have another ${other}`,
    );
  }
  if (source.kind === 'header' && written.has(fieldSpelling(source.name))) {
    findings.fault(
      path,
      'is a header that a route writes for its upstream, and of which the client would decide; must be the claim, or another header',
    );
  }
}
