import { foldedText, kindOf, type MatchKind, textOf } from '../http/path-match.ts';
import type { Routed } from './route-match.ts';

/** Routes that share host, kind and path. The first whose methods fit is taken; routes without methods come last. */
export type Candidates<R> = readonly {
  readonly methods: ReadonlySet<string> | undefined;
  readonly route: R;
}[];

/** One configured path of a host. */
export interface Entry<R> {
  readonly kind: MatchKind;
  /** As sent. */
  readonly text: string;
  /** The folded text. Without a slash at the end, so `/` is empty; only a prefix keeps it. */
  readonly folded: string;
  /** Of `folded`. */
  readonly segments: readonly string[];
  readonly candidates: Candidates<R>;
}

/** The paths of these routes, in their order. */
export function entriesOf<R extends Routed>(routes: readonly R[]): readonly Entry<R>[] {
  const groups = new Map<string, [R, ...R[]]>();
  for (const route of routes) {
    const key = `${kindOf(route.match)} ${textOf(route.match)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [route]);
    else group.push(route);
  }
  return [...groups.values()].map((group) => {
    const { match } = group[0];
    const text = textOf(match);
    // A request for an ambiguous path is refused, so its folded form does not matter.
    const folded = foldedText(match) ?? text;
    const segments = folded.split('/').slice(1);
    return { kind: kindOf(match), text, folded, segments, candidates: candidatesOf(group) };
  });
}

function candidatesOf<R extends Routed>(routes: readonly R[]): Candidates<R> {
  const candidates = routes.map((route) => ({
    methods: route.match.methods && new Set(route.match.methods),
    route,
  }));
  // Frameworks treat HEAD as GET, so a route for only GET must not leave HEAD to a route for all methods.
  const head = candidates.some(({ methods }) => methods?.has('HEAD'));
  if (!head) for (const { methods } of candidates) if (methods?.has('GET')) methods.add('HEAD');
  return candidates.sort((a, b) => Number(a.methods === undefined) - Number(b.methods === undefined));
}

export function firstFit<R>(candidates: Candidates<R> | undefined, method: string): R | undefined {
  if (candidates === undefined) return undefined;
  for (const { methods, route } of candidates) {
    if (methods === undefined || methods.has(method)) return route;
  }
  return undefined;
}
