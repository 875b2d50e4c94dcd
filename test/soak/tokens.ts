import { hs256, rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';
import type { Chance } from './chance.ts';
import { History } from './history.ts';
import type { NamedKey, SoakIssuer } from './issuer.ts';

export const ISSUER = 'https://issuer.example';
export const PARTNER = 'https://partner.example';
export const PARTNER_SECRET = 'p'.repeat(32);
export const AUDIENCE = 'soak';
/** Tokens that are used repeatedly. */
const KNOWN = 200;
/** Tokens that are kept to be refused. */
const KEPT = 20;
/** Lifetime of a token in seconds: longer than any soak. */
const LIFE = 24 * 3600;
/** Seconds of a token that ends soon, at least and at most. */
const SHORT = [3, 40] as const;

export interface Token {
  readonly text: string;
  readonly sub: string;
  readonly jti: string;
  readonly key: NamedKey;
  readonly revoked: History<boolean>;
  /** Wall-clock seconds; undefined: after the soak. */
  readonly expires?: number;
}

/** The gateway's refusal of a token that is right otherwise; undefined: none. */
export type Fault = 'key_unknown' | 'token_revoked' | undefined;

/** Every refusal possible between these times. */
export function faultsOf({ key, revoked }: Token, from: number, to: number): readonly Fault[] {
  const faults = revoked.between(from, to).map((is): Fault => (is ? 'token_revoked' : undefined));
  return key.inForce.between(from, to).flatMap((is): readonly Fault[] => (is ? faults : ['key_unknown']));
}

/** The tokens of a soak's clients. */
export class Tokens {
  readonly #issuer: SoakIssuer;
  #known: (Token | undefined)[] = [];
  #made = 0;
  readonly #stranger = rsaKey();
  /** Tokens that have been revoked, and tokens whose key has left or is about to. */
  readonly #dead: Token[] = [];

  constructor(issuer: SoakIssuer) {
    this.#issuer = issuer;
  }

  /** Signs the tokens that are made now. */
  get key(): NamedKey {
    return this.#issuer.signing;
  }

  /** One of the repeated ones. */
  known(chance: Chance): Token {
    const at = chance.below(KNOWN);
    const token = this.#known[at];
    if (token?.key === this.#issuer.signing && !token.revoked.latest) return token;
    const fresh = this.fresh();
    this.#known[at] = fresh;
    return fresh;
  }

  /** One that will be refused soon, or is already; undefined when there is none. */
  dead(chance: Chance): Token | undefined {
    return chance.of(this.#dead);
  }

  fresh(): Token {
    this.#made += 1;
    const [sub, jti] = [`user${this.#made}`, `token${this.#made}`];
    const key = this.#issuer.signing;
    return { text: this.signed({ sub, jti }), sub, jti, key, revoked: new History(false) };
  }

  /** One that ends soon. */
  short(chance: Chance): Token {
    this.#made += 1;
    const [sub, jti] = [`user${this.#made}`, `token${this.#made}`];
    const expires = secondsFromNow(SHORT[0] + chance.below(SHORT[1] - SHORT[0]));
    const key = this.#issuer.signing;
    return {
      text: this.signed({ sub, jti, exp: expires }),
      sub,
      jti,
      key,
      revoked: new History(false),
      expires,
    };
  }

  /** With these claims and header members in place of the right ones. */
  signed(claims: Readonly<Record<string, unknown>>, header: object = {}): string {
    const { kid, key } = this.#issuer.signing;
    return rs256(key, { ...payload(), ...claims }, { alg: 'RS256', typ: 'JWT', kid, ...header });
  }

  /** Signed by a stranger. */
  forged(kid = this.#issuer.signing.kid): string {
    return rs256(this.#stranger, payload(), { alg: 'RS256', typ: 'JWT', kid });
  }

  /** Signed with the public key, as if it were a secret. */
  confused(): string {
    const { kid, key } = this.#issuer.signing;
    return hs256(key.pem, payload(), { alg: 'HS256', typ: 'JWT', kid });
  }

  /** Of the other issuer. */
  partner(sub: string): string {
    return hs256(PARTNER_SECRET, { ...payload(), iss: PARTNER, sub });
  }

  /** Keeps some to be refused when their key has left. */
  layAside(chance: Chance): void {
    for (let count = 0; count < KEPT / 4; count += 1) this.#keep(this.known(chance));
  }

  /** A token in use, which may have been revoked from now on. */
  revoke(chance: Chance): Token {
    const token = this.known(chance);
    token.revoked.begin(true);
    this.#keep(token);
    return token;
  }

  #keep(token: Token): void {
    this.#dead.push(token);
    if (this.#dead.length > KEPT) this.#dead.shift();
  }
}

function payload(): Readonly<Record<string, unknown>> {
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    exp: secondsFromNow(LIFE),
    iat: secondsFromNow(-60),
    sub: 'somebody',
  };
}
