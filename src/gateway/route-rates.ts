import type { PolicyConfig } from '../auth/policy/policies.ts';
import type { Config, RateLimitConfig, RouteConfig } from '../config/config.ts';
import { RouteRates } from '../exchange/rates.ts';
import { KeyedHash } from '../lib/keyed-hash.ts';
import type { RateLimit } from '../limits/rate-limit.ts';
import type { RateLimits } from '../limits/rate-limits.ts';

/** The limits of a configuration, and what its routes need of them. */
interface ConfiguredRates {
  /** By name; not in force yet. */
  readonly rateLimits: ReadonlyMap<string, RateLimit>;
  /** Undefined for routes without limits. */
  readonly ratesOf: (route: RouteConfig) => RouteRates | undefined;
  /** Undefined for routes without a limit by a claim. */
  readonly rateClaimsOf: (route: RouteConfig) => PolicyConfig['rateClaims'];
}

/** @param rates of the process; what they have counted stays where a limit has not changed. */
export function ratesFor(config: Config, rates: RateLimits): ConfiguredRates {
  const { rateLimits: configured = new Map<string, RateLimitConfig>(), rateSecret = [0, 0] } = config;
  const hash = new KeyedHash(rateSecret);
  const rateLimits = rates.plan(configured.values());
  const limitsOf = ({ rateLimit = [] }: RouteConfig): RateLimitConfig[] =>
    rateLimit.map((name) => configured.get(name)).filter((one) => one !== undefined);
  return {
    rateLimits,
    ratesOf: (route) => {
      const all = limitsOf(route).map(({ name, by }) => ({ limit: rateLimits.get(name) as RateLimit, by }));
      return all.length === 0 ? undefined : new RouteRates(rates, hash, route.name, all);
    },
    rateClaimsOf: (route) => {
      const claims = limitsOf(route).flatMap(({ by }) => (by.kind === 'claim' ? [by.claim] : []));
      return claims.length === 0 ? undefined : { claims, hash };
    },
  };
}
