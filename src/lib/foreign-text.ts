/** Characters shown of a text from outside: enough to recognise it. */
const MAX_SHOWN = 200;

/**
 * Characters that a terminal or a browser obeys instead of showing: controls (C0, DEL, C1), formats such as the
 * bidirectional ones, ends of lines and paragraphs. And characters that no font shows: lone surrogates, private and
 * unassigned ones.
 */
const unseen = /[\p{C}\p{Zl}\p{Zp}]/gu;
/** The same for JSON text, which escapes C0 itself and may end with a line feed. */
const unseenInJson = /[\x7f-\x9f\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const beyondAscii = /[^\0-\x7e]/;
/** The beginning of a usual JWT, which is base64url of `{"`, and what follows. A client may put one in any place. */
const tokenLike = /eyJ[\w-]{5,}[\w.-]*/g;

/**
 * A text from outside for a log, a page or a terminal. Invisible characters become escapes such as `\u009b`, and a text
 * of more than `max` characters (UTF-16 units before they are escaped) ends with `…`. The function leaves its own result
 * as it is, unless that is too long.
 */
export function foreignText(text: string, max: number = MAX_SHOWN): string {
  return cut(text, max).replace(unseen, escaped);
}

/** A text from outside as a JSON string, with quotes, under the same rules. */
export function foreignJson(text: string, max: number = MAX_SHOWN): string {
  return seenJson(JSON.stringify(cut(text, max)));
}

/** JSON text with the same value and without invisible characters; it does not bound the length. */
export function seenJson(json: string): string {
  return beyondAscii.test(json) ? json.replace(unseenInJson, escaped) : json;
}

/** The text with `[token]` in place of everything that looks like a JWT: a log must show no token. */
export function withoutTokens(text: string): string {
  return text.replace(tokenLike, '[token]');
}

/** Not visible ASCII. JSON escapes the controls below 0x20 only; a terminal obeys those above 0x7f as well. */
const unprintable = /[^\x20-\x7e]/g;

/**
 * A text from outside for a line about one request: U+FFFD for each character that is not visible ASCII, `[token]` for a
 * JWT, and `…` behind the first `max` characters.
 */
export function lineText(text: string, max: number): string {
  const safe = withoutTokens(text.slice(0, max).replace(unprintable, '\ufffd'));
  return text.length > max ? `${safe}…` : safe;
}

function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const splitsPair = /[\ud800-\udbff]/.test(text[max - 1] ?? '');
  return `${text.slice(0, splitsPair ? max - 1 : max)}…`;
}

/** One code point as one or two JSON escapes. */
function escaped(character: string): string {
  let text = '';
  for (let at = 0; at < character.length; at += 1) {
    text += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return text;
}
