import CachePolicy from 'http-cache-semantics';

/** Directives that say how long an answer holds; others, such as `public`, leave it open. */
const TELLING = /(^|[\s,])(no-store|no-cache|max-age)\b/;

/** Milliseconds for which an answer with these headers is fresh (RFC 9111 §4.2); undefined when they do not say. */
export function freshFor(headers: Headers): number | undefined {
  // Names of directives have no case (RFC 9111 §5.2); the policy knows the lower one.
  const control = headers.get('cache-control')?.toLowerCase() ?? null;
  const tells = headers.has('expires') || (control === null ? headers.has('pragma') : TELLING.test(control));
  if (!tells) return undefined;
  // What is kept here is not shared, so that `private` and `s-maxage` are not for us.
  const fields = Object.fromEntries(headers);
  if (control !== null) fields['cache-control'] = control;
  const policy = new CachePolicy(
    { method: 'GET', url: '/', headers: {} },
    { status: 200, headers: fields },
    { shared: false },
  );
  // timeToLive() adds the grace of stale-while-revalidate, which would put a refresh off.
  // In whole seconds, as the headers are.
  return Math.max(0, Math.round(policy.maxAge() - policy.age())) * 1000;
}
