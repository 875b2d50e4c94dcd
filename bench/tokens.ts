import { generateKeyPair, type KeyObject, randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { Wrong } from './scenarios.ts';

/** The values that the demo configuration and HAProxy's walk-through expect. */
export const ISSUER = 'https://local.fusionauth.io';
export const AUDIENCE = '63b73f76-7400-487d-b122-5705b848da80';

/** Seconds: longer than any run, so that no token expires in the middle of one. */
const LIFETIME_S = 24 * 60 * 60;
/** Concurrent signatures; OpenSSL runs on libuv's four threads. */
const SIGNING = 8;
/** Signed tokens from which forged ones are made: signing costs far more than changing. */
const FORGED_FROM = 1_000;

/** Characters of a signature with a 2048-bit key. */
const SIGNATURE_BYTES = 342;

const signAsync = promisify(sign);
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Makes RS256 tokens with the claims of a FusionAuth access token, about 850 bytes each, every one different. */
export class TokenMint {
  readonly #privateKey: KeyObject;
  readonly #known: string[] = [];
  /** SPKI PEM of the only key that verifies these tokens. */
  readonly publicPem: string;
  readonly issuer: string;
  readonly #header = encode({ alg: 'RS256', typ: 'JWT', kid: 'Wq3Tz0bXo6vJk9yRcHdLmNsPfGa' });

  private constructor(issuer: string, privateKey: KeyObject, publicKey: KeyObject) {
    this.issuer = issuer;
    this.#privateKey = privateKey;
    this.publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  }

  static async create(issuer: string = ISSUER): Promise<TokenMint> {
    const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    return new TokenMint(issuer, pair.privateKey, pair.publicKey);
  }

  /** @param bytes of the token, which a claim fills up; its natural length by default. */
  async #token(now: number, bytes: number | undefined): Promise<string> {
    const claims = {
      aud: AUDIENCE,
      exp: now + LIFETIME_S,
      iat: now,
      iss: this.issuer,
      sub: randomUUID(),
      jti: randomUUID(),
      authenticationType: 'PASSWORD',
      applicationId: AUDIENCE,
      roles: ['admin'],
    };
    const input = `${this.#header}.${encode(claims)}`;
    const signed = async (signingInput: string): Promise<string> => {
      const signature = await signAsync('sha256', Buffer.from(signingInput), this.#privateKey);
      return `${signingInput}.${signature.toString('base64url')}`;
    };
    if (bytes === undefined) return await signed(input);
    // Four characters of a token hold three bytes of its payload, of which `,"pad":""` takes nine.
    const room = Math.max(0, Math.floor(((bytes - input.length - 1 - SIGNATURE_BYTES) * 3) / 4) - 9);
    return await signed(`${this.#header}.${encode({ ...claims, pad: 'x'.repeat(room) })}`);
  }

  /**
   * That many fresh tokens.
   * @param options `age`: seconds since they were issued; `bytes`: of each, its natural length by default.
   */
  async mint(count: number, options: { age?: number; bytes?: number } = {}): Promise<string[]> {
    const { age = 0, bytes } = options;
    const issuedAt = Math.floor(Date.now() / 1000) - age;
    const tokens: string[] = [];
    let wanted = count;
    const worker = async (): Promise<void> => {
      while (wanted > 0) {
        wanted -= 1;
        tokens.push(await this.#token(issuedAt, bytes));
      }
    };
    await Promise.all(Array.from({ length: SIGNING }, worker));
    return tokens;
  }

  /** That many tokens for repeated use; every caller gets the same ones. */
  async known(count: number): Promise<string[]> {
    if (this.#known.length < count) this.#known.push(...(await this.mint(count - this.#known.length)));
    return this.#known.slice(0, count);
  }

  /** That many tokens with one kind of fault; without a fault, one empty text. */
  async mintWrong(count: number, wrong: Wrong): Promise<string[]> {
    if (wrong === 'absent') return [''];
    if (wrong === 'expired') return await this.mint(count, { age: 2 * LIFETIME_S });
    const good = await this.known(Math.min(count, FORGED_FROM));
    return Array.from({ length: count }, (_, at) =>
      forged(good[at % good.length] as string, Math.floor(at / good.length)),
    );
  }
}

/**
 * The same with another letter in the middle of its signature, and for further ones with others near its end: the very
 * last letter carries bits that do not count.
 */
export function forged(token: string, variant = 0): string {
  const at = token.length - 100;
  const other = (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
  const end =
    variant === 0 ? other : `${other.slice(0, -8)}${variant.toString(36).padStart(4, '0')}${other.slice(-4)}`;
  return token.slice(0, at) + end;
}
