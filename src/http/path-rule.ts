import { badSegment, misread, wholeText } from './path.ts';

/** Names of the rules by which some servers read a path in another way; logs, `explain` and the documentation use them. */
export type PathRule =
  | 'no_path'
  | 'control'
  | 'wildcard'
  | 'broken_escape'
  | 'double_encoding'
  | 'not_utf8'
  | 'lookalike'
  | 'backslash'
  | 'encoded_slash'
  | 'parameter'
  | 'encoded_delimiter'
  | 'encoded_letter'
  | 'dot_segment'
  | 'empty_segment'
  | 'segment_end'
  | 'short_name'
  | 'stream'
  | 'spelling';

/** Signs in the path as sent, the most specific first. */
const signs: readonly (readonly [PathRule, RegExp])[] = [
  ['control', /[^\x21-\x7e]|%(?:[01][0-9a-f]|7f)/i],
  ['wildcard', /[<>"]|%(?:22|3c|3e)/i],
  ['broken_escape', /%(?![0-9a-f]{2})/i],
  ['double_encoding', /%25/],
  ['backslash', /\\/],
  ['encoded_slash', /%(?:2f|5c)/i],
  ['parameter', /;|%3b/i],
  ['encoded_delimiter', /[?#]|%(?:3f|23)/i],
  ['encoded_letter', /%(?:2[de]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])/i],
];

const SHORT_NAME = /~\d/;

/** The first rule by which a path has more than one reading; `spelling` when only similar letters cause that. */
export function pathRule(path: string): PathRule {
  if (!path.startsWith('/')) return 'no_path';
  const sign = signs.find(([, expression]) => expression.test(path));
  const decoded = wholeText(path);
  // The rule on dots comes before the one on the escape that hides them.
  if (sign?.[0] === 'encoded_letter' || sign === undefined) {
    if (decoded === undefined) return 'not_utf8';
    if (misread.test(decoded)) return 'lookalike';
    if (/\/\.{1,2}(?:\/|$)/.test(decoded)) return 'dot_segment';
  }
  if (sign !== undefined) return sign[0];
  const text = decoded as string;
  if (text.includes('//')) return 'empty_segment';
  if (/[\s.](?:\/|$)/.test(text)) return 'segment_end';
  if (!badSegment.test(text)) return 'spelling';
  return SHORT_NAME.test(text) ? 'short_name' : 'stream';
}
