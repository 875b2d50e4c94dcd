import { fold } from './path.ts';

/** The paths that a route takes. */
export interface PathMatch {
  readonly path: string;
  /** `prefix`: all that begins with the letters of `path`. `exact`: only `path`. Undefined: `path` and all below it. */
  readonly kind?: 'prefix' | 'exact' | undefined;
}

/** How a path is compared: by whole segments, by letters, or as a whole. */
export type MatchKind = 'path' | 'prefix' | 'exact';

/** The kind of a match. Every path begins with `/`, so as a prefix it is the path that covers all. */
export function kindOf({ path, kind }: PathMatch): MatchKind {
  return kind === undefined || (kind === 'prefix' && path === '/') ? 'path' : kind;
}

/** The text with which a path is compared as sent. Without a slash at the end where whole segments count. */
export function textOf(match: PathMatch): string {
  return kindOf(match) === 'path' ? prefixOf(match.path) : match.path;
}

/** A path as a prefix: without a slash at the end, so `/` is empty. */
export function prefixOf(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** The folded text of a match, of an exact path without a slash at the end; undefined when servers would not agree on it. */
export function foldedText(match: PathMatch): string | undefined {
  // A letter behind it, as the text may end inside a segment.
  if (kindOf(match) === 'prefix') return fold(`${match.path}x`, Number.POSITIVE_INFINITY)?.slice(0, -1);
  return foldPrefix(prefixOf(match.path));
}

/** The folded prefix; undefined when servers would not agree on its segments. */
export function foldPrefix(prefix: string): string | undefined {
  return prefix === '' ? prefix : fold(prefix, Number.POSITIVE_INFINITY);
}

/** Segments of a request path that show whether the match takes it. */
export function segmentsOf(match: PathMatch): number {
  const text = kindOf(match) === 'prefix' ? match.path : prefixOf(match.path);
  return text.split('/').length - (kindOf(match) === 'exact' ? 0 : 1);
}
