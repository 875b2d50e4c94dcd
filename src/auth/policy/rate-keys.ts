import type { ClaimName } from '../../config/claim-name.ts';
import type { KeyedHash } from '../../lib/keyed-hash.ts';
import { ClaimPath } from '../read/claim-path.ts';
import type { JsonObject } from '../read/strict-json.ts';

/** Claims by which requests are counted, and the hash that stands for their values. */
export interface RateClaims {
  readonly claims: readonly ClaimName[];
  readonly hash: KeyedHash;
}

/** The values of claims by which requests are counted, as hashes: no text of a token is kept. */
export class RateKeys {
  readonly #claims: readonly ClaimPath[];
  readonly #hash: KeyedHash;

  constructor({ claims, hash }: RateClaims) {
    this.#claims = claims.map((claim) => new ClaimPath(claim));
    this.#hash = hash;
  }

  /**
   * One hash for each claim. The same value from two issuers is two keys; the tokens of one issuer without the claim are
   * one, so that leaving it out sets no client free. @param issuer its name in the configuration.
   */
  of(claims: JsonObject, issuer: string): readonly number[] {
    return this.#claims.map((claim) => this.#hash.of(JSON.stringify([issuer, claim.find(claims) ?? null])));
  }
}
