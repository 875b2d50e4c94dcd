import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rs256, rsaKey, secondsFromNow, type TestKey } from '../support/tokens.ts';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'soak';
/** Tokens that are used again and again. */
const KNOWN = 200;
/** Seconds that a token lives: longer than any soak. */
const LIFE = 24 * 3600;

export interface Token {
  readonly text: string;
  readonly sub: string;
  readonly jti: string;
}

interface NamedKey {
  readonly kid: string;
  readonly key: TestKey;
}

/** An issuer: its tokens, its key set over HTTP, and their rotation. */
export class SoakIssuer {
  readonly #server: Server;
  /** What the key set holds, the key that signs last. */
  #published: NamedKey[] = [];
  #signing: NamedKey;
  #known: Token[] = [];
  #made = 0;
  readonly #stranger = rsaKey();

  private constructor() {
    this.#server = createServer((_, response) => {
      const keys = this.#published.map(({ kid, key }) => ({
        ...key.publicKey.export({ format: 'jwk' }),
        kid,
        use: 'sig',
        alg: 'RS256',
      }));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys }));
    });
    this.#signing = this.#publish();
    this.#know();
  }

  static async start(): Promise<SoakIssuer> {
    const issuer = new SoakIssuer();
    issuer.#server.listen(0, '127.0.0.1');
    await once(issuer.#server, 'listening');
    return issuer;
  }

  get jwks(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks`;
  }

  known(at: number): Token {
    return this.#known[at % KNOWN] as Token;
  }

  fresh(claims: Readonly<Record<string, unknown>> = {}): Token {
    this.#made += 1;
    const sub = `user${this.#made}`;
    const jti = `token${this.#made}`;
    const payload = {
      iss: ISSUER,
      aud: AUDIENCE,
      exp: secondsFromNow(LIFE),
      iat: secondsFromNow(-60),
      sub,
      jti,
    };
    return { text: this.#sign({ ...payload, ...claims }), sub, jti };
  }

  /** A token signed by somebody else, with the kid of a key in force or one that nobody knows. */
  forged(isKnownKid: boolean): string {
    const kid = isKnownKid ? this.#signing.kid : 'nobody-knows';
    const payload = { iss: ISSUER, aud: AUDIENCE, exp: secondsFromNow(LIFE), sub: 'forged' };
    return rs256(this.#stranger, payload, { alg: 'RS256', typ: 'JWT', kid });
  }

  /** Puts a new key into the set; nothing is signed with it yet. @returns its kid. */
  announce(): string {
    return this.#publish().kid;
  }

  /** Signs with the newest key from now on. */
  adopt(): void {
    this.#signing = this.#published.at(-1) as NamedKey;
    this.#know();
  }

  /** Takes every key out of the set but the one that signs. */
  retire(): void {
    this.#published = [this.#signing];
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #publish(): NamedKey {
    const named = { kid: `key${Math.random().toString(36).slice(2)}`, key: rsaKey() };
    this.#published = [...this.#published, named];
    return named;
  }

  #know(): void {
    this.#known = Array.from({ length: KNOWN }, () => this.fresh());
  }

  #sign(payload: object): string {
    return rs256(this.#signing.key, payload, { alg: 'RS256', typ: 'JWT', kid: this.#signing.kid });
  }
}
