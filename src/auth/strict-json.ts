export type JsonObject = Readonly<Record<string, unknown>>;

/** Levels of nesting; real claims stay below ten, and counting members recurses once per level. */
const MAX_DEPTH = 32;

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * The object that a JSON text holds; undefined unless the text is exactly one object, nested at most 32 deep, in
 * which no member name occurs twice at any level (RFC 7519 §4, RFC 8725 §2.4: readers disagree about which of two
 * members counts).
 */
export function parseObject(text: string): JsonObject | undefined {
  const most = mostMembers(text);
  // The count of a usual text is exact at once, and a text that is not is counted anew below.
  if (most < 0 && countMembers(text) < 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: the caller refuses the token with its own words.
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // None of the members is missing when as many survived as there can have been; only then may the count be skipped.
  const keys = countKeys(value);
  return keys === most || keys === countMembers(text) ? (value as JsonObject) : undefined;
}

/** An own member; what an object inherits is never a claim. */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The colon of a member with what stands before it: the end of its name, or white space. */
const memberSigns = ['":', ' :', '\t:', '\n:', '\r:'];

/**
 * At least as many members as a JSON text has, because strings may hold a sign too; -1 when it may be nested too deep.
 * Native searches: the usual text needs no look at each of its characters.
 */
function mostMembers(text: string): number {
  if (occurrences(text, '{') + occurrences(text, '[') > MAX_DEPTH) return -1;
  let members = 0;
  for (const sign of memberSigns) members += occurrences(text, sign);
  return members;
}

function occurrences(text: string, sign: string): number {
  let count = 0;
  for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) count += 1;
  return count;
}

/**
 * Colons outside strings, which in valid JSON is the number of members as written; -1 when nested too deep.
 * Text that is not JSON gives a meaningless count, and parsing refuses it afterwards.
 */
function countMembers(text: string): number {
  let colons = 0;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (inString) {
      if (unit === BACKSLASH) at += 1;
      else if (unit === QUOTE) inString = false;
    } else if (unit === QUOTE) inString = true;
    else if (unit === COLON) colons += 1;
    else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      depth += 1;
      if (depth > MAX_DEPTH) return -1;
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) depth -= 1;
  }
  return colons;
}

/** Members that survived parsing; fewer than were written when a name was repeated. */
function countKeys(value: object): number {
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) count += countKeys(item);
    return count;
  }
  // Without a list of the values, which thousands of small objects in a hostile token would each pay for. What an
  // object might inherit would be counted too, and the token be refused.
  for (const name in value) {
    count += 1;
    const item = (value as JsonObject)[name];
    if (typeof item === 'object' && item !== null) count += countKeys(item);
  }
  return count;
}
