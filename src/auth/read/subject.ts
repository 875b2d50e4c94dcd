import { Buffer } from 'node:buffer';
import { member, parseObject } from './strict-json.ts';

/**
 * Whom a token is about: its `iss` and `sub` (RFC 7519 §4.1) as one text, equal for all tokens of one subject. Undefined
 * without a `sub`. @param token one that was verified; nothing is checked here.
 */
export function subjectOf(token: string): string | undefined {
  const claims = parseObject(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  if (claims === undefined) return undefined;
  const sub = member(claims, 'sub');
  if (typeof sub !== 'number' && (typeof sub !== 'string' || sub === '')) return undefined;
  return JSON.stringify([member(claims, 'iss'), sub]);
}
