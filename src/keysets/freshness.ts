import CachePolicy from 'http-cache-semantics';

/** Directives on the time for which a response is fresh; others, such as `public`, leave it open. */
const STATED = /(^|[\s,])(no-store|no-cache|max-age)\b/;

/** Milliseconds for which a response with these fields is fresh (RFC 9111 §4.2); undefined when they do not say. */
export function freshFor(headers: Headers): number | undefined {
  // Directives are case-insensitive (RFC 9111 §5.2), but the policy knows only lower case.
  const control = headers.get('cache-control')?.toLowerCase() ?? null;
  const isStated =
    headers.has('expires') || (control === null ? headers.has('pragma') : STATED.test(control));
  if (!isStated) return undefined;
  // The gateway is no shared cache, so `private` and `s-maxage` do not apply.
  const fields = Object.fromEntries(headers);
  if (control !== null) fields['cache-control'] = control;
  const policy = new CachePolicy(
    { method: 'GET', url: '/', headers: {} },
    { status: 200, headers: fields },
    { shared: false },
  );
  // timeToLive() adds the grace of stale-while-revalidate, which would delay a refresh.
  // The fields have whole seconds.
  return Math.max(0, Math.round(policy.maxAge() - policy.age())) * 1000;
}
