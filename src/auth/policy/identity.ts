import type { ClaimForm, ForwardConfig } from '../../config/config.ts';
import { ClaimPath } from '../read/claim-path.ts';
import type { JsonObject } from '../read/strict-json.ts';
import { claimValue } from './claim-value.ts';

/**
 * Characters of a payload that is sent as a header; with the header's name the line stays below the 8 KiB that servers
 * commonly accept. Real payloads stay below 3 KiB.
 */
const MAX_PAYLOAD = 7 * 1024;

interface Mapping {
  readonly header: string;
  readonly claim: ClaimPath;
  readonly form: ClaimForm;
}

/** Turns a token into the header block that tells upstream who is asking. Absent and null claims send no header. */
export class IdentityHeaders {
  /** The headers of `forward.set`: `Name: value\r\n` repeated, the same for every token and for none. */
  readonly fixed: string;
  readonly #mappings: readonly Mapping[];
  readonly #payload: string | undefined;

  constructor({ headers, payload, set }: Pick<ForwardConfig, 'headers' | 'payload' | 'set'>) {
    this.#mappings = [...headers].map(([header, mapping]) => {
      const { claim, as: form } =
        typeof mapping === 'string' ? { claim: mapping, as: 'auto' as const } : mapping;
      return { header, claim: new ClaimPath(claim), form };
    });
    this.#payload = payload;
    this.fixed = [...(set ?? [])].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  }

  /** Nothing depends on the token. */
  get empty(): boolean {
    return this.#mappings.length === 0 && this.#payload === undefined;
  }

  /**
   * The fixed headers, and `Name: value\r\n` for each mapping and for the payload, the token's second segment as it
   * is. Undefined when a value is too long or cannot be written truthfully.
   */
  render(claims: JsonObject, payload: string): string | undefined {
    let block = this.fixed;
    for (const mapping of this.#mappings) {
      const claim = mapping.claim.find(claims);
      if (claim === undefined) continue;
      const value = claimValue(claim, mapping.form);
      if (value === undefined) return undefined;
      block += `${mapping.header}: ${value}\r\n`;
    }
    if (this.#payload === undefined) return block;
    return payload.length > MAX_PAYLOAD ? undefined : `${block}${this.#payload}: ${payload}\r\n`;
  }
}
