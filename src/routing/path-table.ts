import { cut } from '../http/path.ts';
import { prefixOf, segmentsOf } from '../http/path-match.ts';
import { type Candidates, type Entry, entriesOf, firstFit } from './candidates.ts';
import { LetterTable } from './letter-table.ts';
import type { Routed } from './route-match.ts';

/** The routes of one host. */
export interface PathTable<R> {
  readonly byPath: ReadonlyMap<string, Candidates<R>>;
  /** The same by folded path; several paths may fold to one. */
  readonly byFold: ReadonlyMap<string, readonly Candidates<R>[]>;
  /** All of them; undefined when each takes whole segments, which the maps are for. */
  readonly letters: LetterTable<R> | undefined;
  readonly entries: readonly Entry<R>[];
  /** Most segments in any prefix; the search cuts longer request paths to this depth. */
  readonly depth: number;
}

export function pathTable<R extends Routed>(routes: readonly R[]): PathTable<R> {
  const entries = entriesOf(routes);
  const byFold = new Map<string, Candidates<R>[]>();
  for (const { folded, candidates } of entries) {
    byFold.set(folded, [...(byFold.get(folded) ?? []), candidates]);
  }
  return {
    byPath: new Map(entries.map(({ text, candidates }) => [text, candidates])),
    byFold,
    letters: entries.some(({ kind }) => kind !== 'path') ? new LetterTable(entries) : undefined,
    entries,
    depth: Math.max(0, ...routes.map(({ match }) => segmentsOf(match))),
  };
}

/** The most specific route of a path, both as sent. */
export function lookUp<R>(table: PathTable<R>, path: string, method: string): R | undefined {
  if (table.letters !== undefined) return table.letters.find(path, method);
  let prefix = prefixOf(cut(path, table.depth));
  for (;;) {
    const route = firstFit(table.byPath.get(prefix), method);
    if (route !== undefined || prefix === '') return route;
    prefix = prefix.slice(0, prefix.lastIndexOf('/'));
  }
}

/** Routes of a folded path, the most specific first; those of one list have equal folded paths. */
export function* ofFolded<R>(table: PathTable<R>, folded: string): Generator<readonly Candidates<R>[]> {
  if (table.letters !== undefined) {
    yield* table.letters.ofFolded(folded);
    return;
  }
  let prefix = prefixOf(cut(folded, table.depth));
  for (;;) {
    yield table.byFold.get(prefix) ?? [];
    if (prefix === '') return;
    prefix = prefix.slice(0, prefix.lastIndexOf('/'));
  }
}
