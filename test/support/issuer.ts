import type { IssuerConfig } from '../../src/config/config.ts';

/** The fields that `issuerConfig` requires; everything else has a default. */
type Given = Pick<IssuerConfig, 'name' | 'issuer' | 'audience' | 'algorithms' | 'keys'>;

/** An issuer as the configuration resolves it; fields that are not given have the value of an absent key. */
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
