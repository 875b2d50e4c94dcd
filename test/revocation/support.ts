import type { TokenMarks } from '../../src/auth/revocations.ts';
import type { IssuerConfig } from '../../src/config/config.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { MarkReader } from '../../src/revocation/mark-reader.ts';
import type { Revocation } from '../../src/revocation/revocation.ts';
import { RevocationList } from '../../src/revocation/revocation-list.ts';
import { TokenLives } from '../../src/revocation/token-lives.ts';
import { issuerConfig } from '../support/issuer.ts';

/** Wall-clock seconds at which the tests begin. */
export const NOW = 1_700_000_000;

export class FixedClock implements Clock {
  seconds = NOW;
  wall(): number {
    return this.seconds * 1000;
  }
  monotonic(): number {
    return this.seconds * 1000;
  }
}

/** A revocation with only the given fields; it ends in an hour. */
export function revocationOf(given: Partial<Revocation>): Revocation {
  return {
    issuer: undefined,
    jti: undefined,
    sub: undefined,
    sid: undefined,
    application: undefined,
    before: NOW,
    expiresAt: NOW + 3600,
    ...given,
  };
}

/** A token's marks with only the given fields; it was issued a minute before `NOW`. */
export function marksOf(given: Partial<TokenMarks>): TokenMarks {
  return {
    issuer: 'main',
    jti: undefined,
    sub: undefined,
    sid: undefined,
    application: undefined,
    issuedAt: NOW - 60,
    ...given,
  };
}

export function newList(limit = 1_000_000): RevocationList {
  const marks = new MarkReader({ fusionauth: new Set(['main']), tokenLife: 3600, onLongLife: () => {} });
  return new RevocationList({ limit, marks });
}

export function issuerOf(name: string, given: Partial<IssuerConfig> = {}): IssuerConfig {
  return issuerConfig({
    name,
    issuer: `https://${name}.example`,
    audience: ['orders'],
    algorithms: ['RS256'],
    keys: [],
    ...given,
  });
}

export function livesOf(...issuers: IssuerConfig[]): TokenLives {
  return new TokenLives({
    issuers: new Map(issuers.map((issuer) => [issuer.name, issuer])),
    tokenLifeMs: 3_600_000,
  });
}
