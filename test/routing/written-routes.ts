import type { RouteMatch } from '../../src/routing/route-match.ts';

export interface Named {
  readonly name: string;
  readonly match: RouteMatch;
}

/** The route of a text such as `/b`, `prefix /b` or `GET,PUT exact /b`, which is its name. */
export function routeOf(name: string): Named {
  const [, methods, kind, path = ''] = /^(?:([A-Z,]+) )?(?:(prefix|exact) )?(\/\S*)$/.exec(name) ?? [];
  return {
    name,
    match: {
      host: undefined,
      path,
      kind: kind === 'prefix' || kind === 'exact' ? kind : undefined,
      methods: methods?.split(','),
    },
  };
}
