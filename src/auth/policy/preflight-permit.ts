import type { RouteConfig } from '../../config/config.ts';
import { grant } from '../permit.ts';
import { tracesOf } from '../read/token-place.ts';
import type { Permit } from '../verdict.ts';
import { IdentityHeaders } from './identity.ts';

/**
 * The permit of all preflights on a route that lets them pass without a token: it tells upstream what the route says in
 * every request, and of no user; nothing goes with it that could be taken for a verified token.
 */
export function preflightPermit({ token, forward }: Pick<RouteConfig, 'token' | 'forward'>): Permit {
  return grant(new IdentityHeaders(forward).fixed, true, tracesOf(token ?? [], 'strip'));
}
