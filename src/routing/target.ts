/**
 * Spellings which some server decodes into another path than the one a route was matched against: dot segments,
 * empty segments, path parameters, backslashes, an encoded slash, backslash, dot, NUL, percent, semicolon, question
 * mark or hash, and bytes with which only overlong UTF-8 begins (CVE-2021-29492, CVE-2026-42274 and their kin).
 */
const ambiguous = /\/\/|\\|;|%(?:2[3ef5]|5c|3[bf]|00|c[01])|%(?![0-9a-f]{2})|\/\.{1,2}(?:\/|$)/i;

/** True when servers do not agree on what resource the path names. */
export function isAmbiguous(path: string): boolean {
  return ambiguous.test(path);
}
