import type { Permit, TokenTraces } from './verdict.ts';

/**
 * The only function that makes a permit. Called for public routes, for preflights that need no token, and for tokens
 * that have passed every check.
 * @param headers the finished block of headers that is added for upstream: `Name: value\r\n` repeated, or ''.
 * @param stripToken whether upstream does not get the Authorization header.
 * @param traces other parts of the request that upstream does not get.
 * @param key, claims, rates see `Permit`.
 */
export function grant(
  headers: string,
  stripToken: boolean,
  traces?: TokenTraces,
  key?: number,
  claims?: string,
  rates?: readonly number[],
): Permit {
  const permit = { kind: 'permit', headers, stripToken };
  const traced = traces === undefined ? permit : { ...permit, traces };
  const keyed = key === undefined ? traced : { ...traced, key };
  const logged = claims === undefined ? keyed : { ...keyed, claims };
  return Object.freeze(rates === undefined ? logged : { ...logged, rates }) as Permit;
}
