import type { RequestHead } from '../http/message.ts';
import { isToken } from '../http/token.ts';
import type { Routed } from './route-match.ts';
import type { RouteTable } from './route-table.ts';

/** A serialised origin (RFC 6454 §6.2). */
const originForm = /^(?:null|[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s,/]+)$/;

/** The request that a preflight announces: its origin and its method. */
interface Preflight {
  readonly origin: string;
  readonly method: string;
}

/**
 * The route of the request that a preflight announces, and the preflight settings of that route. Undefined when the head
 * is no preflight, the route has no settings, or no single route takes the request: it then is an ordinary request.
 */
export function findPreflight<R extends Routed & { readonly preflight: unknown }>(
  routes: RouteTable<R>,
  head: RequestHead,
): { readonly route: R; readonly origin: string; readonly leave: NonNullable<R['preflight']> } | undefined {
  const preflight = readPreflight(head);
  if (preflight === undefined) return undefined;
  const route = routes.find(head.host, head.path, preflight.method);
  if (typeof route !== 'object') return undefined;
  const leave = route.preflight ?? undefined;
  return leave === undefined ? undefined : { route, origin: preflight.origin, leave };
}

/**
 * Reads a preflight (Fetch standard §4.8): OPTIONS, one Origin, one Access-Control-Request-Method, no body and, as
 * browsers send none, no credentials. Undefined for any other request.
 */
function readPreflight(head: RequestHead): Preflight | undefined {
  if (head.method !== 'OPTIONS' || head.framing !== 'none') return undefined;
  let origin: string | undefined;
  let method: string | undefined;
  for (let at = 0; at < head.names.length; at += 1) {
    const value = head.values[at] as string;
    switch (head.names[at]) {
      case 'origin':
        if (origin !== undefined || !originForm.test(value)) return undefined;
        origin = value;
        break;
      case 'access-control-request-method':
        if (method !== undefined || !isToken(value)) return undefined;
        method = value;
        break;
      case 'authorization':
      case 'cookie':
        return undefined;
    }
  }
  return origin === undefined || method === undefined ? undefined : { origin, method };
}
