import { generateKeyPair, type JsonWebKey, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { createSigner } from 'fast-jwt';

const rsaBits = 2_048;
/** Bytes of a key id; 27 characters, the length of FusionAuth's. */
const kidBytes = 20;

/** The issuer's key pair; the private half is only reached through `sign`. */
export interface SigningKey {
  readonly kid: string;
  /** Makes a compact RS256 token. */
  readonly sign: (claims: object) => string;
  /** SPKI PEM. */
  readonly publicPem: string;
  readonly jwk: JsonWebKey;
}

export async function makeSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: rsaBits });
  const kid = randomBytes(kidBytes).toString('base64url');
  return {
    kid,
    sign: createSigner<object>({
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      algorithm: 'RS256',
      header: { alg: 'RS256', typ: 'JWT', kid, gty: ['password'] },
    }),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' },
  };
}
