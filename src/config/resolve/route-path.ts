import { foldedText, type MatchKind } from '../../http/path-match.ts';

/**
 * Visible ASCII without the characters that end a path or that servers read in different ways. Escapes stand only for
 * bytes beyond ASCII, in the spelling that RFC 3986 §6.2.2.1 prefers.
 */
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,:@/=-]|%[89A-F][0-9A-F])*$/;

/**
 * Patterns of other gateways and frameworks: wildcards, groups, sets, alternatives, anchors, names of parameters (`:id`,
 * `{id}`, `<id>`, `[id]`), repetitions, and lists in one text. A `$` before a small letter and a `:` inside a segment
 * are no patterns: `/$metadata`, `/projects:batch`.
 */
const PATTERN = /\.[*+]|[*(){}[\]<>|^]|\\[dswDSW]|\/:|\$(?![a-z])|\?$|,\//;

/** A path as the file has it: as text, which refuses the letters of patterns, or literally. */
export type WrittenPath = string | { readonly literal: string };

export function textOf(path: WrittenPath): string {
  return typeof path === 'string' ? path : path.literal;
}

/** The fault of a route's path, and what would be right; undefined for a good path. */
export function whyNoPath(written: WrittenPath, kind: MatchKind): string | undefined {
  const path = textOf(written);
  const isLiteral = typeof written === 'object';
  const start = path.search(/\/|$/);
  const pattern = isLiteral ? null : PATTERN.exec(path.slice(start));
  if (pattern !== null) return whyNoPattern(path.slice(start), pattern, kind);
  if (!path.startsWith('/')) return 'does not start with /; must be a path such as /orders';
  if (!PATH.test(path)) {
    return "has characters that paths are not compared by; must be letters, digits and -._~!$&'()*+,:@= between slashes";
  }
  // Such a path would never match, or match differently in different servers. A prefix may go on behind its dots.
  if (/\/\/|\/\.{1,2}\//.test(path) || (kind !== 'prefix' && /\/\.{1,2}$/.test(path))) {
    return 'has an empty, "." or ".." segment; must be without';
  }
  if (kind === 'path' && path.length > 1 && path.endsWith('/')) {
    return 'ends with /; must be without, as /orders covers /orders and all below it';
  }
  if (foldedText({ path, kind: kind === 'path' ? undefined : kind }) === undefined) {
    return 'is read differently by different servers, so every request for it is refused; must be without segments that end in a dot or look like short names of Windows (/a~1), without :$, and with escapes of visible UTF-8 only';
  }
  return undefined;
}

function whyNoPattern(path: string, { 0: letters, index }: RegExpExecArray, kind: MatchKind): string {
  const sign = letters === '/:' ? ':' : letters === ',/' ? ',' : letters;
  const before = path.slice(0, index + (letters === '/:' ? 1 : 0));
  // The letters before `?`, `*` or `$` belong to the path: /admin*, /admin$.
  const whole = /^[^/]*$/.test(path.slice(index)) && !before.endsWith('/') && /^[*$?]/.test(letters);
  const right = whole ? before : before.slice(0, before.lastIndexOf('/')) || '/';
  const literal =
    PATH.test(path) && sign !== ',' ? `, or { literal: "${path}" } for the characters themselves` : '';
  const what = sign === ',' ? 'looks like a list' : `has ${sign}, and paths are no patterns`;
  return `${what}; must be ${right}, which ${coverOf(right, kind)}${literal}`;
}

function coverOf(path: string, kind: MatchKind): string {
  if (kind === 'exact') return `covers ${path} alone`;
  if (path === '/') return 'covers all paths';
  return kind === 'prefix' ? `covers all that begins with ${path}` : `covers ${path} and all below it`;
}
