import type { RouteConfig } from '../../config/config.ts';
import { grant } from '../permit.ts';
import { tracesOf } from '../read/token-place.ts';
import type { Permit } from '../verdict.ts';
import { IdentityHeaders } from './identity.ts';

/**
 * The permit of every preflight on a route that lets preflights pass without a token. Upstream gets the fixed headers
 * of the route and no identity. The places of tokens are stripped, so that upstream cannot take their content for a
 * verified token.
 */
export function preflightPermit({ token, forward }: Pick<RouteConfig, 'token' | 'forward'>): Permit {
  return grant(new IdentityHeaders(forward).fixed, true, tracesOf(token ?? [], 'strip'));
}
