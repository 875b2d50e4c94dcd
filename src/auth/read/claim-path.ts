import type { ClaimName } from '../../config/claim-name.ts';
import { type JsonObject, member } from './strict-json.ts';

/**
 * The place of a claim. A single name is first taken literally (`https://example.com/roles`); when no claim has that
 * name, its dots reach into objects. In a list each name is one step, dots included. Only own members count.
 */
export class ClaimPath {
  readonly #name: string | undefined;
  readonly #steps: readonly string[];

  constructor(claim: ClaimName) {
    this.#name = typeof claim === 'string' ? claim : undefined;
    this.#steps = typeof claim === 'string' ? claim.split('.') : claim;
  }

  /** The value of the claim; undefined when it is absent or null. */
  find(claims: JsonObject): unknown {
    const name = this.#name;
    if (name !== undefined && Object.hasOwn(claims, name)) return claims[name] ?? undefined;
    return follow(claims, this.#steps);
  }
}

/** The value at the end of these steps, each the name of a member; undefined when it is absent or null. */
export function follow(claims: JsonObject, steps: readonly string[]): unknown {
  let value: unknown = claims;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = member(value as JsonObject, step);
  }
  return value ?? undefined;
}
