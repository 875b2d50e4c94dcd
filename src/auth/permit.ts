import type { Permit, TokenTraces } from './verdict.ts';

/**
 * The only maker of a permit: called for public routes and for tokens that have passed every check.
 * `headers` is the finished block of what is added for upstream (`Name: value\r\n` repeated, or ''); `stripToken`
 * and `traces` say what of the token is kept from it.
 */
export function grant(headers: string, stripToken: boolean, traces?: TokenTraces): Permit {
  const permit = { kind: 'permit', headers, stripToken };
  return Object.freeze(traces === undefined ? permit : { ...permit, traces }) as Permit;
}
