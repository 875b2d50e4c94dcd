import type { Permit } from '../types.ts';

/**
 * The only maker of a permit: called for public routes and for tokens that have passed every check.
 * `headers` is the finished identity block (`Name: value\r\n` repeated, or '').
 */
export function grant(headers: string, stripToken: boolean): Permit {
  return Object.freeze({ kind: 'permit', headers, stripToken }) as Permit;
}
