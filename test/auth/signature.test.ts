import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createVerifier } from 'fast-jwt';
import { SignatureVerifier } from '../../src/auth/verify/signature.ts';
import { keyPair, signToken } from '../support/tokens.ts';
import { publicKey, SECRET, secretKey } from './support.ts';

describe('the check of a signature alone agrees with the whole verifier of fast-jwt', () => {
  const claims = { sub: 's' };
  for (const algorithm of [
    'RS256',
    'PS256',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
    'RS384',
    'PS512',
    'HS256',
    'HS512',
  ]) {
    test(algorithm, () => {
      const isSecret = algorithm.startsWith('HS');
      const key = keyPair(isSecret ? 'RS256' : algorithm);
      const held = isSecret ? secretKey() : publicKey(key, [algorithm]);
      const whole = createVerifier({ key: isSecret ? SECRET : key.pem, algorithms: [algorithm as 'RS256'] });
      const verifier = new SignatureVerifier();
      const token = signToken(algorithm, isSecret ? SECRET : key, claims);
      const at = token.lastIndexOf('.') + 1;
      const input = token.slice(0, at);
      const bytes = Buffer.from(token.slice(at), 'base64url');
      const flipped = Array.from(bytes, (_, index) => {
        const copy = Buffer.from(bytes);
        copy[index] = (copy[index] as number) ^ (1 << (index % 8));
        return copy;
      });
      const zeros = Buffer.alloc(bytes.length);
      const cut = [bytes.subarray(1), bytes.subarray(0, -1), bytes.subarray(0, bytes.length / 2)];
      const longer = [
        Buffer.concat([bytes, zeros]),
        Buffer.concat([bytes, bytes]),
        Buffer.concat([zeros, bytes]),
      ];
      const others = [...flipped, ...cut, ...longer, zeros, Buffer.alloc(bytes.length, 0xff), Buffer.of(0)];
      const tokens = [bytes, ...others].map((signature) => `${input}${signature.toString('base64url')}`);
      tokens.push(`${token.slice(0, 12)}${token[12] === 'A' ? 'B' : 'A'}${token.slice(13)}`, input);
      const accepts = (one: string): boolean => {
        try {
          whole(one);
          return true;
        } catch {
          return false;
        }
      };
      const seen = tokens.map((one) => verifier.verify(one, { algorithm, keys: [held] }));
      assert.deepEqual(seen, tokens.map(accepts));
      assert.deepEqual(
        seen.flatMap((good, index) => (good ? [index] : [])),
        [0],
      );
    });
  }
});
