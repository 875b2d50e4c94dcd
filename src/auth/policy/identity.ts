import type { ClaimForm, ForwardConfig } from '../../config/config.ts';
import { ClaimPath } from '../read/claim-path.ts';
import type { JsonObject } from '../read/strict-json.ts';
import { claimValue } from './claim-value.ts';

/**
 * Characters of a payload that is sent as a header. With its name, the header stays below the 8 KiB that servers
 * commonly accept. Real payloads stay below 3 KiB.
 */
const MAX_PAYLOAD = 7 * 1024;

interface Mapping {
  readonly header: string;
  readonly claim: ClaimPath;
  readonly form: ClaimForm;
}

/** Makes the identity headers of a route from the claims of a token. Absent and null claims make no header. */
export class IdentityHeaders {
  /** The headers of `forward.set`, the same for every request: `Name: value\r\n` repeated. */
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

  /** Whether no header depends on the token. */
  get isFixed(): boolean {
    return this.#mappings.length === 0 && this.#payload === undefined;
  }

  /**
   * The fixed headers and those of the token: `Name: value\r\n` repeated. Undefined when a value is too long or cannot
   * be written truthfully.
   * @param payload the second segment of the token, which `forward.payload` sends as it is.
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
