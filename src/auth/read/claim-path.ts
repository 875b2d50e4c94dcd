import type { ClaimName } from '../../config/config.ts';
import { type JsonObject, member } from './strict-json.ts';

/**
 * The place of a claim. One name is the literal one first (`https://example.com/roles`), else its dots reach into
 * objects; of a list each name is one step, with all its characters. Only own members count.
 */
export class ClaimPath {
  readonly #name: string | undefined;
  readonly #steps: readonly string[];

  constructor(claim: ClaimName) {
    this.#name = typeof claim === 'string' ? claim : undefined;
    this.#steps = typeof claim === 'string' ? claim.split('.') : claim;
  }

  /** The claim's value; undefined when it is absent, and null counts as that. */
  find(claims: JsonObject): unknown {
    const name = this.#name;
    if (name !== undefined && Object.hasOwn(claims, name)) return claims[name] ?? undefined;
    return follow(claims, this.#steps);
  }
}

/** What stands at the end of these names, each a member of what the one before it names; null counts as absent. */
export function follow(claims: JsonObject, steps: readonly string[]): unknown {
  let value: unknown = claims;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = member(value as JsonObject, step);
  }
  return value ?? undefined;
}
