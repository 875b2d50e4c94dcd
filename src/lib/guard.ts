/** Everything that a route does with a request, as text: equal for routes that differ only in `match` and `paths`. */
export function guardOf(route: {
  readonly name: string;
  readonly match: object;
  readonly paths?: string | undefined;
}): string {
  const { name: _name, match: _match, paths: _paths, ...guard } = route;
  return JSON.stringify(guard, (_, value: unknown) => {
    if (value instanceof Map) return { map: [...value] };
    if (value instanceof Set) return { set: [...value] };
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  });
}
