import type { RouteConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileRoute } from '../schema/route.ts';
import type { Findings } from './findings.ts';

const NONE = 'none';

/** The bounds of a route's tunnels, and what outlives the tokens of its requests. A key that says nothing is a fault. */
export function resolveLifetimes(
  { auth, upgrade, tunnels, onExpiry }: FileRoute,
  path: KeyPath,
  findings: Findings,
): Pick<RouteConfig, 'tunnels' | 'onExpiry'> {
  const idle = 'has no meaning on a route that upgrades nothing; must stand beside upgrade';
  if (tunnels !== undefined && upgrade === undefined) findings.fault([...path, 'tunnels'], idle, 'key');
  if (onExpiry?.tunnels !== undefined && upgrade === undefined) {
    findings.fault([...path, 'onExpiry', 'tunnels'], idle, 'key');
  }
  if (auth === NONE) {
    const why = 'has no meaning on a public route, whose requests have no token; must be left out';
    if (onExpiry !== undefined) findings.fault([...path, 'onExpiry'], why, 'key');
    if (tunnels?.perSubject !== undefined) findings.fault([...path, 'tunnels', 'perSubject'], why, 'key');
  }
  return {
    ...(tunnels === undefined ? {} : { tunnels }),
    ...(onExpiry === undefined
      ? {}
      : { onExpiry: { tunnels: onExpiry.tunnels ?? 'close', answers: onExpiry.answers } }),
  };
}
