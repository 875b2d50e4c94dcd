import { fieldSpelling } from '../../http/field-names.ts';
import type { RateKey, RateLimitConfig, RouteConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import { nearest } from '../schema/nearest.ts';
import { BY } from '../schema/rate-limits.ts';
import type { FileConfig } from '../schema/schema.ts';
import { parseSource } from './balance.ts';
import type { Findings } from './findings.ts';
import { writtenSpellings } from './forward-headers.ts';

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
  file.routes?.forEach(({ rateLimit }, at) => {
    for (const [index, name] of (rateLimit ?? []).entries()) {
      checkUse(file, name, rateLimit?.indexOf(name) !== index, ['routes', at, 'rateLimit', index], findings);
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

function checkUse(
  { rateLimits }: FileConfig,
  name: string,
  isTwin: boolean,
  path: KeyPath,
  findings: Findings,
): void {
  if (isTwin) findings.fault(path, 'stands in the list twice; must stand once');
  const known = Object.keys(rateLimits);
  if (known.includes(name) || findings.wasWrong(['rateLimits', name])) return;
  const meant = nearest(name, known);
  const others = known.length === 0 ? 'an entry of rateLimits, which is empty' : `one of ${known.join(', ')}`;
  findings.fault(
    path,
    `${findings.quote(path, name)} is not the name of a rate limit; must be ${meant === undefined ? others : `${meant} if that is meant`}`,
  );
}

/** Refuses limits by what the requests of a route cannot have, or by a header that only the gateway writes. */
function refuseImpossible(
  limits: ReadonlyMap<string, RateLimitConfig>,
  routes: readonly RouteConfig[],
  findings: Findings,
): void {
  const written = new Set(routes.flatMap(({ forward }) => writtenSpellings(forward)));
  for (const { name, by } of limits.values()) {
    const open = routes.find(({ rateLimit, auth }) => auth === 'none' && rateLimit?.includes(name) === true);
    if (by.kind === 'claim' && open !== undefined) {
      findings.fault(
        ['rateLimits', name, 'by'],
        `is a claim, and the route ${open.name} has auth: none; must be client or a header, or that route must have another limit`,
      );
    }
    if (by.kind === 'header' && written.has(fieldSpelling(by.name))) {
      findings.fault(
        ['rateLimits', name, 'by'],
        'is a header that a route writes for its upstream, and of which the client would decide; must be the claim, or another header',
      );
    }
  }
}
