import { LIMITS, Outline } from './json-outline.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses a JSON text. Undefined unless it is exactly one object within the limits, without a repeated member name at
 * any level (RFC 7519 §4, RFC 8725 §2.4: parsers disagree about which of two members counts).
 */
export function parseObject(text: string, limits = LIMITS): JsonObject | undefined {
  const bytes = Buffer.from(text);
  return parseCounted(text, new Outline([], limits).of(bytes, bytes.length));
}

/** Parses a JSON text that has been outlined. @param members the result of `Outline.of` for it. */
export function parseCounted(text: string, members: number): JsonObject | undefined {
  if (members < 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: the caller refuses the token.
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return countKeys(value) === members ? (value as JsonObject) : undefined;
}

/** The value of an own member. An inherited member is never a claim. */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Members of a parsed value, at all levels. Fewer than were written when a name was repeated. */
function countKeys(value: object): number {
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) count += countKeys(item);
    return count;
  }
  // `Object.values` would make an array for each of many small objects. An inherited member would be counted too: the
  // token would be refused.
  for (const name in value) {
    count += 1;
    const item = (value as JsonObject)[name];
    if (typeof item === 'object' && item !== null) count += countKeys(item);
  }
  return count;
}
