import type { RequestHead } from '../http/message.ts';
import type { Clock } from '../lib/clock.ts';
import { foreignText, withoutTokens } from '../lib/foreign-text.ts';
import type { Log } from '../lib/log.ts';
import { Issuer } from './policy/issuer.ts';
import type { Policy } from './policy/policy.ts';
import { bearerToken } from './read/bearer.ts';
import { type JsonObject, member, parseObject } from './read/strict-json.ts';
import { TokenBuffer } from './read/token-buffer.ts';
import type { Rejection } from './verdict.ts';

/** Lines in one second: enough to see what is wrong. A flood of refused tokens must not flood the log. */
const LINES_PER_SECOND = 10;
/** Characters of a text that are shown. Issuer URLs, thumbprints and UUIDs have fewer. */
const MAX_TEXT = 128;
/** Audiences and key ids that are shown. A line stays below 4 KiB, so that it is written at once. */
const MAX_NAMES = 4;
/** Characters of a token that is read. A longer one is refused for its length. */
const MAX_TOKEN = 16 * 1024;

/**
 * Logs why tokens are refused: the names in them that were compared, and lengths. Never logs a token, a signature or
 * another claim.
 */
export class RefusalLog {
  readonly #write: (fields: object) => void;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #buffer = new TokenBuffer();
  /** Monotonic milliseconds of the beginning of the present second. */
  #since = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #unlogged = 0;

  constructor(log: Log, level: 'info' | 'debug', clock: Clock) {
    this.#log = log;
    this.#write = (fields) => log[level](fields, 'a token is refused');
    this.#clock = clock;
  }

  /** Logs a request that was refused on a route with this policy. `route`: the name of the route. */
  note(route: string, policy: Policy, head: RequestHead, { reason }: Rejection): void {
    const now = this.#clock.monotonic();
    if (now - this.#since >= 1000) {
      this.#since = now;
      this.#lines = 0;
    }
    if (this.#lines >= LINES_PER_SECOND || this.#log.crowded?.() === true) {
      this.#unlogged += 1;
      return;
    }
    this.#lines += 1;
    const unlogged = this.#unlogged;
    this.#unlogged = 0;
    const token = policy.places === undefined ? bearerToken(head.authorization) : policy.places.find(head);
    const facts = typeof token === 'string' ? this.#facts(token, policy) : { characters: 0 };
    try {
      this.#write({ route, reason, ...facts, ...(unlogged === 0 ? {} : { unlogged }) });
    } catch {
      // When an embedder's log throws, the line is lost. The exchange goes on.
      this.#unlogged = unlogged + 1;
    }
  }

  #facts(token: string, policy: Policy): object {
    const segments = token.length > MAX_TOKEN ? [] : token.split('.', 4);
    const header = this.#read(segments[0]) ?? {};
    const claims = this.#read(segments[1]) ?? {};
    const issuer = policy.pick(member(claims, 'iss'), member(claims, 'aud'));
    return {
      characters: token.length,
      segments: segments.map(({ length }) => length),
      ...shownMembers(header, ['alg', 'kid', 'typ']),
      ...shownMembers(claims, ['iss', 'aud', 'exp', 'nbf', 'iat']),
      now: Math.floor(this.#clock.wall() / 1000),
      ...(issuer instanceof Issuer ? keysOf(issuer) : {}),
    };
  }

  #read(segment: string | undefined): JsonObject | undefined {
    const text = segment === undefined ? undefined : this.#buffer.decode(segment);
    return text === undefined ? undefined : parseObject(text);
  }
}

function keysOf(issuer: Issuer): object {
  const { name, remotes = [], keys } = issuer.config;
  const kids = issuer.kids.slice(0, MAX_NAMES).map((kid) => (kid === undefined ? null : shown(kid)));
  const isConfigured = keys.length > 0 || remotes.length === 0;
  const from = [...(isConfigured ? ['configuration'] : []), ...remotes.map(({ kind }) => kind)].join(' and ');
  return { issuer: name, keySet: { from, keys: issuer.kids.length, kids } };
}

function shownMembers(object: JsonObject, names: readonly string[]): object {
  return Object.fromEntries(
    names.filter((name) => Object.hasOwn(object, name)).map((name) => [name, shown(object[name])]),
  );
}

/** Every text of a token passes this function on its way into the log. */
function shown(value: unknown): unknown {
  if (typeof value === 'string') {
    const text = withoutTokens(foreignText(value, MAX_TEXT));
    return text.length > MAX_TEXT + 1 ? `${text.slice(0, MAX_TEXT)}…` : text;
  }
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (!Array.isArray(value)) return '[object]';
  const names = value.slice(0, MAX_NAMES).map((one) => (Array.isArray(one) ? '[array]' : shown(one)));
  const more = value.length - names.length;
  return more > 0 ? [...names, `and ${more} more`] : names;
}
