import { AuthCounters } from '../../src/auth/auth-counters.ts';
import { Authorizer } from '../../src/auth/authorizer.ts';
import type { Policy } from '../../src/auth/policy/policy.ts';
import type { IssuerConfig } from '../../src/config/config.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Turn } from '../../src/lib/turn.ts';
import { issuerConfig } from '../../test/support/issuer.ts';
import { rsaKey } from '../../test/support/tokens.ts';

/** The key of the benchmarks' tokens. */
export const key = rsaKey();
export const ISSUER = 'https://issuer.example';

/** An issuer with that key, whose name in tokens is `ISSUER`. */
export function issuerWith(name: string, audience: readonly string[]): IssuerConfig {
  return issuerConfig({
    name,
    issuer: ISSUER,
    audience,
    algorithms: ['RS256'],
    keys: [{ id: 'k', kid: undefined, algorithms: ['RS256'], material: { kind: 'public', pem: key.pem } }],
  });
}

/** @param verifiers threads; 0: signatures are checked on the event loop. */
export function authorizerOf(issuers: readonly IssuerConfig[], verifiers: number): Authorizer {
  return new Authorizer({
    issuers: new Map(issuers.map((one) => [one.name, one])),
    cache: { entries: 100_000, bytes: 256 * 1024 * 1024 },
    verifiers,
    haproxyOrder: false,
    clock: systemClock,
    turn: new Turn(),
    counters: new AuthCounters(),
  });
}

/** The policy that a route with tokens of these issuers hands to the authorizer. */
export function policyOf(authorizer: Authorizer, auth: readonly string[]): Policy {
  return authorizer.policy({
    auth,
    forward: { headers: new Map([['X-User-Id', 'sub']]), token: 'keep', forwarded: new Set() },
  });
}
