import type { ClaimName } from '../../config/claim-name.ts';
import { lineText } from '../../lib/foreign-text.ts';
import { ClaimPath } from '../read/claim-path.ts';
import type { JsonObject } from '../read/strict-json.ts';

/** Characters of all logged claims of a token together: they are kept with the token, and stand in each of its lines. */
const MAX_CHARACTERS = 512;

/** The claims of a token that the access log has. No other claim leaves this class. */
export class LoggedClaims {
  readonly #claims: readonly (readonly [label: string, path: ClaimPath])[];

  constructor(claims: readonly ClaimName[]) {
    this.#claims = claims.map((claim) => [
      typeof claim === 'string' ? claim : claim.join('.'),
      new ClaimPath(claim),
    ]);
  }

  /** JSON of an object with the claims by name; undefined when the token has none of them. */
  of(claims: JsonObject): string | undefined {
    const logged: Record<string, string | number | boolean> = {};
    let room = MAX_CHARACTERS;
    for (const [label, path] of this.#claims) {
      const value = path.find(claims);
      if (value === undefined) continue;
      if (typeof value === 'number' || typeof value === 'boolean') logged[label] = value;
      else {
        const text = lineText(typeof value === 'string' ? value : JSON.stringify(value), room);
        room = Math.max(0, room - text.length);
        logged[label] = text;
      }
    }
    return Object.keys(logged).length === 0 ? undefined : JSON.stringify(logged);
  }
}
