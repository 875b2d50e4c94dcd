/**
 * The values of all cookies of one name in a Cookie field (RFC 6265 §4.2.1), as sent: quotes belong to them and
 * nothing is decoded. A pair without `=` that is the name has an empty value, since servers do not agree on it.
 */
export function cookieValues(field: string, name: string): readonly string[] {
  if (!field.includes(name)) return [];
  const values: string[] = [];
  for (const pair of field.split(';')) {
    if (nameOf(pair) !== name) continue;
    const equals = pair.indexOf('=');
    values.push(equals < 0 ? '' : withoutBlanks(pair, equals + 1, pair.length));
  }
  return values;
}

/** A Cookie field without the cookies of these names, the others byte for byte; undefined when none is left. */
export function withoutCookies(field: string, names: readonly string[]): string | undefined {
  const pairs = field.split(';');
  const kept = pairs.filter((pair) => !names.includes(nameOf(pair)));
  if (kept.length === pairs.length) return field;
  const left = kept.join(';');
  const rest = kept[0] === pairs[0] ? left : left.replace(/^[ \t]+/, '');
  return /^[; \t]*$/.test(rest) ? undefined : rest;
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=');
  return withoutBlanks(pair, 0, equals < 0 ? pair.length : equals);
}

/** Blanks are space and tab; what else some languages trim belongs to a name or value. */
function withoutBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
