import { isBlank } from './ascii.ts';
import { LooseName } from './loose-name.ts';

/**
 * The values of all cookies of one name in a Cookie field (RFC 6265 §4.2.1), as sent: quotes belong to them and
 * nothing is decoded. Every spelling of the name counts that some server takes for it. A pair without `=` that is the
 * name has an empty value, since servers do not agree on it; `,` begins a cookie too, but only in the eyes of old ones
 * (RFC 2109), so such a cookie is given with it, and no caller can take it for a clean value.
 */
export function cookieValues(field: string, name: LooseName): readonly string[] {
  const values: string[] = [];
  for (const pair of field.split(';')) {
    if (name.is(nameOf(pair))) {
      const equals = pair.indexOf('=');
      values.push(equals < 0 ? '' : withoutBlanks(pair, equals + 1, pair.length));
    }
    if (!pair.includes(',')) continue;
    const [, ...others] = pair.split(',');
    for (const other of others) if (name.is(nameOf(other))) values.push(`,${other}`);
  }
  return values;
}

/** A Cookie field without the cookies of these names, the others byte for byte; undefined when none is left. */
export function withoutCookies(field: string, names: readonly string[]): string | undefined {
  const unwanted = names.map((name) => new LooseName(name));
  const pairs = field.split(';');
  const kept = pairs.filter((pair) => !unwanted.some((name) => name.is(nameOf(pair))));
  if (kept.length === pairs.length) return field;
  const left = kept.join(';');
  const rest = kept[0] === pairs[0] ? left : left.replace(/^[ \t]+/, '');
  return /^[; \t]*$/.test(rest) ? undefined : rest;
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=');
  return equals < 0 ? pair : pair.slice(0, equals);
}

/** Blanks are space and tab; what else some languages trim belongs to a value. */
function withoutBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}
