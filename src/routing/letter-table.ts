import { prefixOf } from '../http/path-match.ts';
import { type Candidates, type Entry, firstFit } from './candidates.ts';
import { hasBorder, NestedTexts } from './nested-texts.ts';

type Texts<R> = NestedTexts<readonly Candidates<R>[]>;

/**
 * The routes of one host, of which some take paths by letters or only one path. The most specific is the one that takes
 * only this path, then the one with the longest text; of two with the same text, the one for whole segments.
 */
export class LetterTable<R> {
  readonly #exact = new Map<string, Candidates<R>>();
  /** The same by folded path without a slash at the end. */
  readonly #exactFolds = new Map<string, Candidates<R>[]>();
  readonly #texts: Texts<R>;
  readonly #folds: Texts<R>;

  constructor(entries: readonly Entry<R>[]) {
    for (const { kind, text, folded, candidates } of entries) {
      if (kind !== 'exact') continue;
      this.#exact.set(text, candidates);
      this.#exactFolds.set(folded, [...(this.#exactFolds.get(folded) ?? []), candidates]);
    }
    const others = entries.filter(({ kind }) => kind !== 'exact');
    this.#texts = nest(others, ({ text }) => text);
    this.#folds = nest(others, ({ folded }) => folded);
  }

  /** The most specific route of a path, both as sent. */
  find(path: string, method: string): R | undefined {
    let route = firstFit(this.#exact.get(path), method);
    let nested = route === undefined ? this.#texts.longest(path) : undefined;
    for (; route === undefined && nested !== undefined; nested = nested.shorter) {
      if (nested.bySegments !== undefined && hasBorder(path, nested.text)) {
        route = firstFit(nested.bySegments[0], method);
      }
      route ??= firstFit(nested.byLetters?.[0], method);
    }
    return route;
  }

  /**
   * Routes of a folded path, the most specific first; those of one list have equal texts. A slash at the end makes no
   * difference: a server may drop it, or add one. A route that names the path comes before one that names it with a
   * slash and all behind.
   * @param folded deep enough to show whether it goes on behind any text of the table.
   */
  *ofFolded(folded: string): Generator<readonly Candidates<R>[]> {
    const path = prefixOf(folded);
    const exact = this.#exactFolds.get(path);
    if (exact !== undefined) yield exact;
    const named = this.#folds.longest(path);
    if (named?.bySegments !== undefined && named.text === path) yield named.bySegments;
    const folder = `${path}/`;
    for (let nested = this.#folds.longest(folder); nested !== undefined; nested = nested.shorter) {
      if (nested.bySegments !== undefined && hasBorder(folder, nested.text)) yield nested.bySegments;
      if (nested.byLetters !== undefined) yield nested.byLetters;
    }
  }
}

function nest<R>(entries: readonly Entry<R>[], textOf: (entry: Entry<R>) => string): Texts<R> {
  const texts = new Map<string, { bySegments?: Candidates<R>[]; byLetters?: Candidates<R>[] }>();
  for (const entry of entries) {
    const text = textOf(entry);
    const lists = texts.get(text) ?? {};
    texts.set(text, lists);
    const key = entry.kind === 'prefix' ? 'byLetters' : 'bySegments';
    lists[key] = [...(lists[key] ?? []), entry.candidates];
  }
  return new NestedTexts(
    [...texts].map(([text, { bySegments, byLetters }]) => ({ text, bySegments, byLetters })),
  );
}
