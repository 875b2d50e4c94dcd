import type { Chance } from './chance.ts';
import { AUDIENCE, ISSUER, type SoakIssuer } from './tokens.ts';
import { bytesOf, digestOf } from './upstream.ts';

/** One request, and how its answer must be. */
export interface SoakRequest {
  readonly kind: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** The body without a length. */
  readonly chunked?: boolean;
  readonly status: number;
  /** The answer's body, or its digest when it is long; undefined: a refusal with this reason word. */
  readonly text?: string;
  readonly digest?: string;
  readonly reason?: string;
  /** Milliseconds to rest after each piece of the answer. */
  readonly restMs?: number;
  /** The client leaves after this many milliseconds. */
  readonly leaveAfterMs?: number;
  /** Upstream breaks off in the middle. */
  readonly breaks?: boolean;
}

const MIB = 1024 * 1024;

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** Makes requests of every kind, in proportions of a busy service with strange clients among the good ones. */
export class Requests {
  readonly #issuer: SoakIssuer;
  readonly #chance: Chance;
  /** Revocations that have been confirmed. */
  readonly #revoked: string[] = [];

  constructor(issuer: SoakIssuer, chance: Chance) {
    this.#issuer = issuer;
    this.#chance = chance;
  }

  /** This token has been revoked. */
  revoked(token: string): void {
    this.#revoked.push(token);
    // The oldest were signed by keys that are gone.
    if (this.#revoked.length > 20) this.#revoked.shift();
  }

  /** Tokens of keys that leave are not used any more. */
  forgetRevoked(): void {
    this.#revoked.length = 0;
  }

  next(): SoakRequest {
    const roll = this.#chance.below(1000);
    if (roll < 700) return this.#hit();
    if (roll < 740) return this.#miss();
    if (roll < 900) return this.#refused();
    if (roll < 920) return this.#download(0);
    if (roll < 925) return this.#download(2);
    if (roll < 945) return this.#upload();
    if (roll < 985) return this.#leaver();
    return {
      kind: 'broken',
      method: 'GET',
      path: '/reset',
      headers: this.#token(),
      status: 200,
      breaks: true,
    };
  }

  #token(): Record<string, string> {
    return bearer(this.#issuer.known(this.#chance.below(1000)).text);
  }

  #hit(): SoakRequest {
    const { text, sub } = this.#issuer.known(this.#chance.below(1000));
    const path = `/echo/${this.#chance.below(1e9)}`;
    return { kind: 'hit', method: 'GET', path, headers: bearer(text), status: 200, text: `${path} ${sub}` };
  }

  #miss(): SoakRequest {
    const { text, sub } = this.#issuer.fresh();
    return {
      kind: 'miss',
      method: 'GET',
      path: '/miss',
      headers: bearer(text),
      status: 200,
      text: `/miss ${sub}`,
    };
  }

  #refused(): SoakRequest {
    const { text } = this.#issuer.known(0);
    const base = { method: 'GET', path: '/refused', status: 401 } as const;
    const refusals: readonly (() => SoakRequest)[] = [
      () => ({ ...base, kind: 'no token', headers: {}, reason: 'token_missing' }),
      () => ({ ...base, kind: 'malformed', headers: bearer('a.b.c'), reason: 'token_malformed' }),
      () => ({
        ...base,
        kind: 'forged',
        headers: bearer(this.#issuer.forged(true)),
        reason: 'signature_invalid',
      }),
      () => ({
        ...base,
        kind: 'unknown key',
        headers: bearer(this.#issuer.forged(false)),
        reason: 'key_unknown',
      }),
      () => ({
        ...base,
        kind: 'expired',
        headers: bearer(this.#issuer.fresh({ exp: 1_600_000_000 }).text),
        reason: 'token_expired',
      }),
      () => ({
        ...base,
        kind: 'other audience',
        headers: bearer(this.#issuer.fresh({ aud: `not ${AUDIENCE}` }).text),
        reason: 'audience_mismatch',
      }),
      () => ({
        ...base,
        kind: 'other issuer',
        headers: bearer(this.#issuer.fresh({ iss: `${ISSUER}.evil` }).text),
        reason: 'issuer_mismatch',
      }),
      () => ({
        ...base,
        kind: 'no scope',
        path: '/scoped',
        headers: bearer(text),
        status: 403,
        reason: 'scope_insufficient',
      }),
    ];
    if (this.#revoked.length > 0 && this.#chance.below(6) === 0) {
      const headers = bearer(this.#chance.of(this.#revoked));
      return { ...base, kind: 'revoked', headers, reason: 'token_revoked' };
    }
    return this.#chance.of(refusals)();
  }

  #download(restMs: number): SoakRequest {
    const seed = this.#chance.below(1e9);
    const length = 1 + this.#chance.below(2 * MIB);
    const kind = restMs === 0 ? 'download' : 'slow download';
    const digest = digestOf(bytesOf(seed, length));
    const path = `/bytes/${seed}/${length}`;
    return { kind, method: 'GET', path, headers: this.#token(), status: 200, digest, restMs };
  }

  #upload(): SoakRequest {
    const body = bytesOf(this.#chance.below(1e9), 1 + this.#chance.below(2 * MIB));
    const chunked = this.#chance.below(2) === 0;
    const kind = chunked ? 'chunked upload' : 'upload';
    return {
      kind,
      method: 'POST',
      path: '/sum',
      headers: this.#token(),
      body,
      chunked,
      status: 200,
      text: digestOf(body),
    };
  }

  /** One of the others, by a client that does not wait for the end. */
  #leaver(): SoakRequest {
    const leaveAfterMs = this.#chance.below(20);
    const one = this.#chance.of([
      () => this.#hit(),
      () => this.#miss(),
      () => this.#download(0),
      () => this.#upload(),
    ])();
    return { ...one, kind: 'leaver', leaveAfterMs };
  }
}
