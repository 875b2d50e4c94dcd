import type { RateKey, RateLimitConfig, RouteConfig } from '../config.ts';
import { BY } from '../schema/rate-limits.ts';
import type { FileConfig } from '../schema/schema.ts';
import { parseSource, refuseSource } from './balance.ts';
import type { Findings } from './findings.ts';
import { writtenSpellings } from './forward-headers.ts';
import { refuseName } from './refuse-name.ts';

const periods: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The limits of the file by name; faults go to the findings. */
export function resolveRateLimits(
  file: FileConfig,
  routes: readonly RouteConfig[],
  findings: Findings,
): ReadonlyMap<string, RateLimitConfig> {
  const limits = new Map<string, RateLimitConfig>();
  for (const [name, { rate, burst, by, keys }] of Object.entries(file.rateLimits)) {
    const path = ['rateLimits', name];
    if (rate === undefined) findings.missing([...path, 'rate'], 'a rate such as 100/s');
    if (by === undefined) findings.missing([...path, 'by'], BY);
    if (rate === undefined || by === undefined) continue;
    const key: RateKey = by === 'route' ? { kind: by } : parseSource(by, [...path, 'by'], findings);
    const [number = '', unit = ''] = rate.split('/');
    const amount = Number(number);
    limits.set(name, {
      name,
      amount,
      periodMs: periods[unit] as number,
      burst: burst ?? amount,
      by: key,
      keys,
    });
  }
  const known = Object.keys(file.rateLimits);
  file.routes?.forEach(({ rateLimit }, at) => {
    for (const [index, name] of (rateLimit ?? []).entries()) {
      const path = ['routes', at, 'rateLimit', index];
      if (rateLimit?.indexOf(name) !== index)
        findings.fault(path, 'stands in the list twice; must stand once');
      if (!known.includes(name)) refuseName('a rate limit', name, known, ['rateLimits'], path, findings);
    }
  });
  refuseImpossible(limits, routes, findings);
  const used = new Set(file.routes?.flatMap(({ rateLimit }) => rateLimit ?? []));
  for (const name of limits.keys()) {
    if (!used.has(name) && !findings.wasWrong(['routes'])) {
      findings.warn(['rateLimits', name], 'no route has it in its rateLimit, so it limits nothing');
    }
  }
  return limits;
}

/** Refuses limits by what the requests of a route cannot have, or by a header that only the gateway writes. */
function refuseImpossible(
  limits: ReadonlyMap<string, RateLimitConfig>,
  routes: readonly RouteConfig[],
  findings: Findings,
): void {
  const written = new Set(routes.flatMap(({ forward }) => writtenSpellings(forward)));
  for (const { name, by } of limits.values()) {
    if (by.kind === 'route') continue;
    const users = routes.filter(({ rateLimit }) => rateLimit?.includes(name) === true);
    refuseSource(by, users, written, 'limit', ['rateLimits', name, 'by'], findings);
  }
}
