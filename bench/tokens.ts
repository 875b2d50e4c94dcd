import { generateKeyPair, type KeyObject, randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { Wrong } from './scenarios.ts';

/** What the demo configuration and HAProxy's walk-through expect. */
export const ISSUER = 'https://local.fusionauth.io';
export const AUDIENCE = '63b73f76-7400-487d-b122-5705b848da80';

/** Seconds: longer than any run, so that no token expires in the middle of one. */
const LIFETIME_S = 24 * 60 * 60;
/** Signatures under way at a time; OpenSSL runs on libuv's four threads. */
const SIGNING = 8;

const signAsync = promisify(sign);
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Makes RS256 tokens with the claims of a FusionAuth access token, about 850 bytes each, every one different. */
export class TokenMint {
  readonly #privateKey: KeyObject;
  /** SPKI PEM of the only key that verifies these tokens. */
  readonly publicPem: string;
  readonly #header = encode({ alg: 'RS256', typ: 'JWT', kid: 'Wq3Tz0bXo6vJk9yRcHdLmNsPfGa' });

  private constructor(privateKey: KeyObject, publicKey: KeyObject) {
    this.#privateKey = privateKey;
    this.publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  }

  static async create(): Promise<TokenMint> {
    const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    return new TokenMint(pair.privateKey, pair.publicKey);
  }

  async #token(now: number): Promise<string> {
    const payload = encode({
      aud: AUDIENCE,
      exp: now + LIFETIME_S,
      iat: now,
      iss: ISSUER,
      sub: randomUUID(),
      jti: randomUUID(),
      authenticationType: 'PASSWORD',
      applicationId: AUDIENCE,
      roles: ['admin'],
    });
    const input = `${this.#header}.${payload}`;
    const signature = await signAsync('sha256', Buffer.from(input), this.#privateKey);
    return `${input}.${signature.toString('base64url')}`;
  }

  /** So many fresh tokens. @param age seconds since they were issued. */
  async mint(count: number, age = 0): Promise<string[]> {
    const issuedAt = Math.floor(Date.now() / 1000) - age;
    const tokens: string[] = [];
    let wanted = count;
    const worker = async (): Promise<void> => {
      while (wanted > 0) {
        wanted -= 1;
        tokens.push(await this.#token(issuedAt));
      }
    };
    await Promise.all(Array.from({ length: SIGNING }, worker));
    return tokens;
  }

  /** So many tokens that are wrong in one way; without any, one empty text. */
  async mintWrong(count: number, wrong: Wrong): Promise<string[]> {
    if (wrong === 'absent') return [''];
    if (wrong === 'expired') return await this.mint(count, 2 * LIFETIME_S);
    return (await this.mint(count)).map(forged);
  }
}

/** The same with another letter in the middle of its signature: the very last one carries bits that do not count. */
export function forged(token: string): string {
  const at = token.length - 100;
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
}
