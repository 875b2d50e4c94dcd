/** Characters that are shown of a text from outside: enough to tell which one it is. */
const MAX_SHOWN = 200;

/**
 * What a terminal or a browser obeys instead of showing it: controls (C0, DEL, C1), formats (the bidirectional ones
 * among them), ends of lines and paragraphs; and what no font can show: lone surrogates, private and unassigned ones.
 */
const unseen = /[\p{C}\p{Zl}\p{Zp}]/gu;
/** The same in JSON, which has its own way to write C0 and may end with a line feed. */
const unseenInJson = /[\x7f-\x9f\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const beyondAscii = /[^\0-\x7e]/;

/**
 * A text from outside for a log, a page or a terminal: what cannot be seen is written as `\u009b`, and what is longer
 * than `max` characters (UTF-16 units, before they are escaped) ends with `…`. A text that has been through it stays
 * as it is unless it is too long.
 */
export function foreignText(text: string, max: number = MAX_SHOWN): string {
  return cut(text, max).replace(unseen, escaped);
}

/** A text from outside as JSON has it, quotes included, with the same guard. */
export function foreignJson(text: string, max: number = MAX_SHOWN): string {
  return seenJson(JSON.stringify(cut(text, max)));
}

/** JSON text with the same value, in which nothing stands that cannot be seen; its length is not bounded here. */
export function seenJson(json: string): string {
  return beyondAscii.test(json) ? json.replace(unseenInJson, escaped) : json;
}

function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const splitsPair = /[\ud800-\udbff]/.test(text[max - 1] ?? '');
  return `${text.slice(0, splitsPair ? max - 1 : max)}…`;
}

/** One code point as one or two escapes, as JSON has them. */
function escaped(character: string): string {
  let text = '';
  for (let at = 0; at < character.length; at += 1) {
    text += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return text;
}
