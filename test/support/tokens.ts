import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** SPKI PEM. */
  readonly pem: string;
}

/** A fresh RSA key pair; 2048 bits unless told otherwise. */
export function rsaKey(bits = 2048): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { privateKey, publicKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

const encode = (part: unknown): string =>
  (typeof part === 'string' || Buffer.isBuffer(part)
    ? Buffer.from(part as string)
    : Buffer.from(JSON.stringify(part))
  ).toString('base64url');

/** A compact RS256 token. `header` and `payload` may be raw text or bytes, so that broken ones can be made too. */
export function rs256(
  key: TestKey,
  payload: unknown,
  header: unknown = { alg: 'RS256', typ: 'JWT' },
): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), key.privateKey).toString('base64url')}`;
}

/** A compact HS256 token. */
export function hs256(
  secret: string | Buffer,
  payload: unknown,
  header: unknown = { alg: 'HS256', typ: 'JWT' },
): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** Seconds since the epoch, the unit of NumericDate, `offset` seconds from now. */
export function secondsFromNow(offset: number): number {
  return Math.floor(Date.now() / 1000) + offset;
}
