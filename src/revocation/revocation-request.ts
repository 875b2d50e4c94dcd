import { markText } from './mark-text.ts';
import { MAX_AHEAD, type Revocation } from './revocation.ts';
import type { TokenLives } from './token-lives.ts';

const MEMBERS = ['issuer', 'iss', 'jti', 'sub', 'sid', 'application', 'before', 'expiresAt'];
const MARKS = ['issuer', 'iss', 'jti', 'sub', 'sid', 'application'];
/** Revocations in one body: they block other requests for less than a tenth of a second. */
const MAX_REVOCATIONS = 10_000;
/** Seconds ahead, a hundred years, above which a time is probably in milliseconds. */
const TOO_FAR = 100 * 366 * 86_400;

/** The fault of a request, for its sender. */
export interface RequestFault {
  readonly fault: string;
}

/**
 * The revocations that the body of `POST /revocations` asks for: one object or a list of them. `now` is the wall clock
 * in seconds.
 */
export function readRequest(
  body: Buffer,
  lives: TokenLives,
  now: number,
): { readonly revocations: readonly Revocation[] } | RequestFault {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return { fault: 'the body is not JSON in UTF-8' };
  }
  if (!Array.isArray(value)) {
    const one = readOne(value, lives, now);
    return typeof one === 'string' ? { fault: one } : { revocations: one };
  }
  if (value.length === 0) return { fault: 'the list is empty' };
  if (value.length > MAX_REVOCATIONS) return { fault: `the list has more than ${MAX_REVOCATIONS} entries` };
  const revocations: Revocation[] = [];
  for (const [index, item] of value.entries()) {
    const some = readOne(item, lives, now);
    if (typeof some === 'string') return { fault: `entry ${index} of the list: ${some}` };
    revocations.push(...some);
  }
  return { revocations };
}

/** The revocations of one object, several if its `iss` belongs to several issuers; a text is the fault. */
function readOne(value: unknown, lives: TokenLives, now: number): readonly Revocation[] | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is not an object';
  const given = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(given)) {
    if (!MEMBERS.includes(name)) {
      return `it has a member that is none of ${MEMBERS.join(', ')}`;
    }
  }
  const wrong = MARKS.find((name) => Object.hasOwn(given, name) && !isMark(given[name]));
  if (wrong !== undefined) return `${wrong} is not a text with 1 to 4096 characters`;
  if (!MARKS.some((name) => Object.hasOwn(given, name))) return `it has none of ${MARKS.join(', ')}`;
  const { issuer, iss, jti, before, expiresAt } = given;
  if (issuer !== undefined && iss !== undefined) return 'it has both issuer and iss';
  if (issuer !== undefined && !lives.knows(issuer as string)) return 'issuer is no name of the configuration';
  const issuers = iss === undefined ? [issuer as string | undefined] : lives.namesOf(iss as string);
  if (issuers.length === 0) return 'iss is that of no issuer of the configuration';
  for (const [name, time] of Object.entries({ before, expiresAt })) {
    if (time === undefined) continue;
    if (typeof time !== 'number' || !(time >= 0)) return `${name} is not a time in seconds`;
    if (time > now + TOO_FAR) return `${name} is too far ahead: it is in seconds, not in milliseconds`;
  }
  if (typeof before === 'number' && before > now + MAX_AHEAD) {
    return `before lies ahead: it is at most ${MAX_AHEAD} s from now, as other gateways take no more`;
  }
  if (expiresAt !== undefined && jti === undefined)
    return 'expiresAt is there without jti: it is that token’s exp';
  return issuers.map((name) => revocation(given, name, lives, now));
}

function isMark(value: unknown): boolean {
  return typeof value === 'string' && value.length >= 1 && value.length <= 4_096;
}

function revocation(
  given: Readonly<Record<string, unknown>>,
  issuer: string | undefined,
  lives: TokenLives,
  now: number,
): Revocation {
  const { jti, sub, sid, application, before, expiresAt } = given;
  // A jti means one token, whenever it was issued; other marks mean all tokens up to a time.
  const anyTime = jti === undefined ? Math.floor(now) : Number.POSITIVE_INFINITY;
  return {
    issuer,
    jti: markText(jti),
    sub: markText(sub),
    sid: markText(sid),
    application: markText(application),
    before: typeof before === 'number' ? Math.floor(before) : anyTime,
    expiresAt:
      typeof expiresAt === 'number'
        ? expiresAt + lives.tolerance(issuer)
        : lives.end(issuer, Math.max(now, typeof before === 'number' ? before : now)),
  };
}
