import { LIMITS, Outline } from './json-outline.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The object that a JSON text holds; undefined unless the text is exactly one object within the limits, in which no
 * member name occurs twice at any level (RFC 7519 §4, RFC 8725 §2.4: readers disagree about which of two members
 * counts).
 */
export function parseObject(text: string, limits = LIMITS): JsonObject | undefined {
  const bytes = Buffer.from(text);
  return parseCounted(text, new Outline([], limits).of(bytes, bytes.length));
}

/** The same for a text that has been outlined. `members`: what that returned. */
export function parseCounted(text: string, members: number): JsonObject | undefined {
  if (members < 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: the caller refuses the token with its own words.
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return countKeys(value) === members ? (value as JsonObject) : undefined;
}

/** An own member; what an object inherits is never a claim. */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Members that survived parsing; fewer than were written when a name was repeated. */
function countKeys(value: object): number {
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) count += countKeys(item);
    return count;
  }
  // Without a list of the values, which many small objects would each pay for. What an object might inherit would be
  // counted too, and the token be refused.
  for (const name in value) {
    count += 1;
    const item = (value as JsonObject)[name];
    if (typeof item === 'object' && item !== null) count += countKeys(item);
  }
  return count;
}
