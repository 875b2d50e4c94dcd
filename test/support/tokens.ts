import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** SPKI PEM. */
  readonly pem: string;
}

/** A fresh RSA key pair of 2048 bits by default. */
export function rsaKey(bits = 2048): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { privateKey, publicKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

const encode = (part: unknown): string =>
  (typeof part === 'string' || Buffer.isBuffer(part)
    ? Buffer.from(part as string)
    : Buffer.from(JSON.stringify(part))
  ).toString('base64url');

/** A compact RS256 token. `header` and `payload` may be raw text or bytes, to make broken ones too. */
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

/** A fresh key pair for an asymmetric JOSE algorithm; EdDSA means Ed25519. */
export function keyPair(algorithm: string): TestKey {
  const { privateKey, publicKey } = generatePair(algorithm);
  return { privateKey, publicKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

function generatePair(algorithm: string): { privateKey: KeyObject; publicKey: KeyObject } {
  const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
  if (algorithm === 'Ed448') return generateKeyPairSync('ed448');
  if (algorithm.startsWith('Ed')) return generateKeyPairSync('ed25519');
  const namedCurve = curves[algorithm];
  return namedCurve === undefined
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve });
}

/** A compact token of any JOSE algorithm. `key`: a private key, or the secret for HS256/384/512. */
export function signToken(
  algorithm: string,
  key: TestKey | string,
  payload: unknown,
  header: unknown = { alg: algorithm, typ: 'JWT' },
): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${signInput(algorithm, key, input).toString('base64url')}`;
}

function signInput(algorithm: string, key: TestKey | string, input: string): Buffer {
  const hash = `sha${algorithm.slice(2)}`;
  if (typeof key === 'string') return createHmac(hash, key).update(input).digest();
  if (algorithm.startsWith('Ed')) return sign(null, Buffer.from(input), key.privateKey);
  if (algorithm.startsWith('PS')) {
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
    return sign(hash, Buffer.from(input), { key: key.privateKey, padding, saltLength });
  }
  return sign(hash, Buffer.from(input), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
}
