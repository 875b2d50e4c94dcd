import { withoutBlanks } from './ascii.ts';
import { LooseName } from './loose-name.ts';

/**
 * The values of all cookies of one name in a Cookie field (RFC 6265 §4.2.1), as sent: with their quotes, and not
 * decoded. Every spelling counts that some server takes for the name. A pair without `=` has an empty value, because
 * servers read it in different ways. Only old servers begin a cookie at `,` too (RFC 2109); the value of such a cookie
 * starts with the comma, so no caller takes it for a clean one.
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

/** A Cookie field without the cookies of these names, the rest byte for byte; undefined when no cookie is left. */
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
