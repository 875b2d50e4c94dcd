import { type JsonObject, member } from './strict-json.ts';

/**
 * The place of a claim: its literal name first (`https://example.com/roles`), else its dots reach into objects; only
 * own members count.
 */
export class ClaimPath {
  readonly #name: string;
  readonly #steps: readonly string[];

  constructor(name: string) {
    this.#name = name;
    this.#steps = name.split('.');
  }

  /** The claim's value; undefined when it is absent, and null counts as that. */
  find(claims: JsonObject): unknown {
    if (Object.hasOwn(claims, this.#name)) return claims[this.#name] ?? undefined;
    let value: unknown = claims;
    for (const step of this.#steps) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      value = member(value as JsonObject, step);
    }
    return value ?? undefined;
  }
}
