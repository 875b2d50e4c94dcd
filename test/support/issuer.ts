import type { IssuerConfig } from '../../src/config/config.ts';

/** What `issuerConfig` must be told; everything else has a default. */
type Given = Pick<IssuerConfig, 'name' | 'issuer' | 'audience' | 'algorithms' | 'keys'>;

/** An issuer as the configuration resolves it: what is not given is as in a file that leaves it out. */
export function issuerConfig(given: Given & Partial<IssuerConfig>): IssuerConfig {
  return {
    expiry: 'required',
    audienceMatch: 'any',
    clockToleranceMs: 0,
    require: [],
    maxAgeMs: Number.POSITIVE_INFINITY,
    tokenTypes: undefined,
    rejectIdTokens: false,
    rolesClaim: 'roles',
    ...given,
  };
}
