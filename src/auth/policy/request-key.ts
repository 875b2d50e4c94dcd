import type { ClaimName } from '../../config/claim-name.ts';
import { EMPTY_HASH, hashText } from '../../lib/text-hash.ts';
import { ClaimPath } from '../read/claim-path.ts';
import type { JsonObject } from '../read/strict-json.ts';

/** The claim by which an upstream chooses the server of a request. */
export class RequestKey {
  readonly #claim: ClaimPath;

  constructor(claim: ClaimName) {
    this.#claim = new ClaimPath(claim);
  }

  /** A hash of the claim's value, from 0 to 2^31 - 1; undefined when the claim is absent or null. */
  of(claims: JsonObject): number | undefined {
    const value = this.#claim.find(claims);
    if (value === undefined) return undefined;
    // The text 7 and the number 7 are one key: nothing but the choice of a server depends on it.
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return hashText(text, EMPTY_HASH) >>> 1;
  }
}
