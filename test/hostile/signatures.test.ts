import assert from 'node:assert/strict';
import { constants, createHash, generateKeyPairSync, privateEncrypt, sign, verify } from 'node:crypto';
import { describe, test } from 'node:test';
import { keyPair, rs256, signToken, type TestKey } from '../support/tokens.ts';
import { claims, compact, issuerOf, standFor, verificationKey } from './stand.ts';

/** RSA with exponent 3, as Bleichenbacher's forgery needs it; such keys are allowed and must be safe to use. */
const rsa = rsaWithExponent3();
const curves = [
  { name: 'ES256', bytes: 32, order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n },
  {
    name: 'ES384',
    bytes: 48,
    order:
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
  {
    name: 'ES512',
    bytes: 66,
    order: BigInt(`0x1${'f'.repeat(65)}a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
  },
].map((curve) => ({ ...curve, key: keyPair(curve.name) }));
const ed25519 = keyPair('EdDSA');
const ed448 = pairOf(generateKeyPairSync('ed448'));
const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

const stand = standFor(
  [
    issuerOf('rsa', rsaAlgorithms, [verificationKey(rsa, rsaAlgorithms)], { issuer: 'rsa' }),
    ...curves.map(({ name, key }) =>
      issuerOf(name, [name], [verificationKey(key, [name])], { issuer: name }),
    ),
    issuerOf('Ed25519', ['EdDSA'], [verificationKey(ed25519, ['EdDSA'])], { issuer: 'Ed25519' }),
    issuerOf('Ed448', ['EdDSA'], [verificationKey(ed448, ['EdDSA'])], { issuer: 'Ed448' }),
  ],
  {},
  { forward: { headers: new Map([['X-User', 'sub']]), token: 'keep', forwarded: new Set() } },
);
const invalid = '401 signature_invalid';

function pairOf(pair: Pick<TestKey, 'privateKey' | 'publicKey'>): TestKey {
  return { ...pair, pem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

function rsaWithExponent3(): TestKey {
  return pairOf(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }));
}

/** The signed part of a token: header and payload. */
function inputOf(algorithm: string, iss: string): string {
  return compact({ alg: algorithm }, claims({ iss }), '').slice(0, -1);
}

const withSignature = (input: string, signature: Buffer): string =>
  `${input}.${signature.toString('base64url')}`;
const toBytes = (value: bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex');
const toNumber = (value: Buffer): bigint => BigInt(`0x${value.toString('hex') || '0'}`);

describe('ECDSA', () => {
  for (const { name, bytes, order, key } of curves) {
    const input = inputOf(name, name);
    const genuine = sign(`sha${name.slice(2)}`, Buffer.from(input), {
      key: key.privateKey,
      dsaEncoding: 'ieee-p1363',
    });
    const [r, s] = [toNumber(genuine.subarray(0, bytes)), toNumber(genuine.subarray(bytes))];
    const pair = (first: bigint, second: bigint): Buffer =>
      Buffer.concat([toBytes(first, bytes), toBytes(second, bytes)]);
    const der = sign(`sha${name.slice(2)}`, Buffer.from(input), key.privateKey);
    const forgeries: readonly (readonly [string, Buffer])[] = [
      ['r and s zero (CVE-2022-21449)', pair(0n, 0n)],
      ['r zero', pair(0n, s)],
      ['s zero', pair(r, 0n)],
      ['r and s the order of the curve', pair(order, order)],
      ['r the order', pair(order, s)],
      ['s the order', pair(r, order)],
      ['r and s one', pair(1n, 1n)],
      ['r of one, s the order less one', pair(1n, order - 1n)],
      ['r larger by one', pair(r + 1n, s)],
      ['s larger by one', pair(r, s + 1n)],
      ['r and s exchanged', pair(s, r)],
      ['all ones', Buffer.alloc(2 * bytes, 0xff)],
      ['DER instead of r and s', der],
      ['DER filled up to the length', Buffer.concat([der, Buffer.alloc(64)]).subarray(0, 2 * bytes)],
      ['DER of zeros', Buffer.from('3006020100020100', 'hex')],
      ['DER cut to the length', der.subarray(0, 2 * bytes)],
      ['without its last byte', genuine.subarray(0, -1)],
      ['without its first byte', genuine.subarray(1)],
      ['r alone', genuine.subarray(0, bytes)],
      ['with a byte more', Buffer.concat([genuine, Buffer.alloc(1)])],
      ['with a zero before', Buffer.concat([Buffer.alloc(1), genuine])],
      [
        'both numbers with a zero before',
        Buffer.concat([
          Buffer.alloc(1),
          genuine.subarray(0, bytes),
          Buffer.alloc(1),
          genuine.subarray(bytes),
        ]),
      ],
      ['twice', Buffer.concat([genuine, genuine])],
      ['one zero byte', Buffer.alloc(1)],
      ['zeros of the length of an RSA signature', Buffer.alloc(256)],
    ];
    for (const [title, signature] of forgeries) {
      test(`${name}, ${title}`, () => stand().refuses(withSignature(input, signature), invalid));
    }

    // r + n and s + n are equivalent for a verifier that reduces; where they fit, they would be second spellings.
    test(`${name}, numbers beyond the order`, async () => {
      for (const [first, second] of [
        [r + order, s],
        [r, s + order],
      ] as const) {
        if (toBytes(first, bytes).length + toBytes(second, bytes).length > 2 * bytes) continue;
        await stand().refuses(withSignature(input, pair(first, second)), invalid);
      }
      await stand().admits(withSignature(input, genuine));
    });

    /**
     * (r, n - s) is as good a signature as (r, s), and signers produce either: RFC 7518 demands no particular half, and
     * refusing one would refuse every second honest token. So both are accepted. They have the same identity, because
     * the signed text is the same, with the same jti, sub and times; an attacker gains only a second place in the
     * cache.
     */
    test(`${name}, the other half of s is the same identity`, async () => {
      const own = inputOf(name, name).replace(
        /\.[^.]*$/,
        `.${compact({}, claims({ iss: name, sub: `twin of ${name}` }), '').split('.')[1]}`,
      );
      const first = sign(`sha${name.slice(2)}`, Buffer.from(own), {
        key: key.privateKey,
        dsaEncoding: 'ieee-p1363',
      });
      const twin = Buffer.concat([
        first.subarray(0, bytes),
        toBytes(order - toNumber(first.subarray(bytes)), bytes),
      ]);
      assert.ok(
        verify(
          `sha${name.slice(2)}`,
          Buffer.from(own),
          { key: key.publicKey, dsaEncoding: 'ieee-p1363' },
          twin,
        ),
      );
      const entries = await stand().metric('portcullis_token_cache_entries');
      const seen = stand().seen.length;
      for (const signature of [first, twin, first, twin]) await stand().admits(withSignature(own, signature));
      assert.deepEqual(
        stand()
          .seen.slice(seen)
          .map((text) => /X-User: (.*)\r\n/.exec(text)?.[1]),
        Array(4).fill(`twin of ${name}`),
      );
      assert.equal(await stand().metric('portcullis_token_cache_entries'), entries + 2);
    });
  }
});

describe('EdDSA', () => {
  const rows = [
    { name: 'Ed25519', key: ed25519, half: 32, order: 2n ** 252n + 27742317777372353535851937790883648493n },
    {
      name: 'Ed448',
      key: ed448,
      half: 57,
      order: 2n ** 446n - 13818066809895115352007386748515426880336692474882178609894547503885n,
    },
  ];
  for (const { name, key, half, order } of rows) {
    const input = inputOf('EdDSA', name);
    const genuine = sign(null, Buffer.from(input), key.privateKey);
    const [r, s] = [genuine.subarray(0, half), genuine.subarray(half)];
    const plusOrder = toBytes(toNumber(Buffer.from(s).reverse()) + order, half).reverse();
    const identity = Buffer.concat([Buffer.from([1]), Buffer.alloc(half - 1)]);
    const forgeries: readonly (readonly [string, Buffer])[] = [
      ['zeros', Buffer.alloc(2 * half)],
      ['all ones', Buffer.alloc(2 * half, 0xff)],
      ['the neutral point and zero', Buffer.concat([identity, Buffer.alloc(half)])],
      ['S beyond the order (malleability, RFC 8032 §5.1.7)', Buffer.concat([r, plusOrder])],
      ['S zero', Buffer.concat([r, Buffer.alloc(half)])],
      ['R zero', Buffer.concat([Buffer.alloc(half), s])],
      ['R and S exchanged', Buffer.concat([s, r])],
      ['without its last byte', genuine.subarray(0, -1)],
      ['with a byte more', Buffer.concat([genuine, Buffer.alloc(1)])],
      ['R alone', r],
      ['of the hash of the token', sign(null, createHash('sha512').update(input).digest(), key.privateKey)],
    ];
    for (const [title, signature] of forgeries) {
      test(`${name}, ${title}`, () => stand().refuses(withSignature(input, signature), invalid));
    }
    test(`${name}, genuine`, () => stand().admits(withSignature(input, genuine)));
  }
});

/** DigestInfo of RFC 8017 §9.2, to which the digest is appended. */
const digestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex');

describe('RSA, PKCS#1 v1.5', () => {
  const input = inputOf('RS256', 'rsa');
  const digest = createHash('sha256').update(input).digest();
  const size = 256;
  const sha1Info = Buffer.from('3021300906052b0e03021a05000414', 'hex');
  const padded = (content: Buffer, fill = 0xff, type = 1): Buffer =>
    Buffer.concat([
      Buffer.from([0, type]),
      Buffer.alloc(size - 3 - content.length, fill),
      Buffer.alloc(1),
      content,
    ]);
  const raw = (block: Buffer): Buffer =>
    privateEncrypt({ key: rsa.privateKey, padding: constants.RSA_NO_PADDING }, block);
  const full = Buffer.concat([digestInfo, digest]);

  test('the blocks that these tests build are genuine ones', async () => {
    assert.deepEqual(raw(padded(full)), sign('sha256', Buffer.from(input), rsa.privateKey));
    await stand().admits(withSignature(input, raw(padded(full))));
  });

  // The cube of each begins with a block that is valid up to the digest; arbitrary bytes follow.
  for (const fill of [8, 20, 80]) {
    test(`Bleichenbacher's forgery for exponent 3 with ${fill} bytes of padding (CVE-2006-4339)`, async () => {
      const start = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(fill, 0xff), Buffer.alloc(1), full]);
      const lowest = toNumber(Buffer.concat([start, Buffer.alloc(size - start.length)]));
      const root = cubeRoot(lowest) + 1n;
      const cube = toBytes(root ** 3n, size);
      // With too little room for such bytes the digest itself cannot match; the padding always can.
      const met = fill < 80 ? start.length : fill + 3;
      assert.deepEqual(cube.subarray(0, met), start.subarray(0, met), 'the forgery is one');
      await stand().refuses(withSignature(input, toBytes(root, size)), invalid);
    });
  }

  const { n = '' } = rsa.publicKey.export({ format: 'jwk' });
  const modulus = toNumber(Buffer.from(n, 'base64url'));
  const genuine = raw(padded(full));
  const blocks: readonly (readonly [string, Buffer])[] = [
    ['block type 2', raw(padded(full, 0xff, 2))],
    ['block type 0', raw(padded(full, 0, 0))],
    ['padding of other bytes', raw(padded(full, 0xfe))],
    [
      'short padding and rubbish behind',
      raw(
        Buffer.concat([
          Buffer.from([0, 1, ...Array(8).fill(0xff), 0]),
          full,
          Buffer.alloc(size - 11 - full.length, 0x42),
        ]),
      ),
    ],
    [
      'rubbish in the parameters',
      raw(
        padded(Buffer.concat([Buffer.from('3035301106096086480165030402010504deadbeef0420', 'hex'), digest])),
      ),
    ],
    [
      'no parameters',
      raw(
        padded(
          Buffer.concat([
            Buffer.from('302f300b0609608648016503040201', 'hex'),
            Buffer.from('0420', 'hex'),
            digest,
          ]),
        ),
      ),
    ],
    [
      'lengths in long form',
      raw(padded(Buffer.concat([Buffer.from('308131300d06096086480165030402010500048120', 'hex'), digest]))),
    ],
    ['the digest without its name', raw(padded(digest))],
    ['the name of SHA-1', raw(padded(Buffer.concat([sha1Info, createHash('sha1').update(input).digest()])))],
    ['SHA-512 in a token of RS256', sign('sha512', Buffer.from(input), rsa.privateKey)],
    [
      'PSS in a token of RS256',
      sign('sha256', Buffer.from(input), {
        key: rsa.privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: 32,
      }),
    ],
    ['zero', Buffer.alloc(size)],
    ['one', toBytes(1n, size)],
    ['the modulus', toBytes(modulus, size)],
    ['the modulus less one', toBytes(modulus - 1n, size)],
    ['all ones', Buffer.alloc(size, 0xff)],
    ['the cube root of nothing but the digest', toBytes(cubeRoot(toNumber(digest)), size)],
    ['without its last byte', genuine.subarray(0, -1)],
    ['without its first byte', genuine.subarray(1)],
    ['with a byte more', Buffer.concat([genuine, Buffer.alloc(1)])],
    ['with a zero before', Buffer.concat([Buffer.alloc(1), genuine])],
    ['of 4096 bits', Buffer.alloc(512, 1)],
    ['of 8 KiB', Buffer.alloc(8192, 1)],
    ['the negative of the genuine one', toBytes(modulus - toNumber(genuine), size)],
  ];
  for (const [title, signature] of blocks) {
    test(title, () => stand().refuses(withSignature(input, signature), invalid));
  }

  test('the genuine one plus the modulus, which is the same number to a verifier that reduces', async () => {
    for (let n = 0; ; n += 1) {
      const token = rs256(rsa, claims({ iss: 'rsa', n }));
      const [header, payload, signature] = token.split('.') as [string, string, string];
      const sum = toNumber(Buffer.from(signature, 'base64url')) + modulus;
      if (sum >= 1n << 2048n) continue;
      await stand().refuses(withSignature(`${header}.${payload}`, toBytes(sum, size)), invalid);
      await stand().admits(token);
      return;
    }
  });
});

describe('RSA, PSS', () => {
  for (const algorithm of ['PS256', 'PS384', 'PS512']) {
    const input = inputOf(algorithm, 'rsa');
    const hash = `sha${algorithm.slice(2)}`;
    const size = Number(algorithm.slice(2)) / 8;
    const pss = (saltLength: number, by = hash): Buffer =>
      sign(by, Buffer.from(input), {
        key: rsa.privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength,
      });

    test(`${algorithm}: the salt is as long as the digest (RFC 7518 §3.5)`, async () => {
      for (const length of [0, 1, size - 1, size + 1, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
        await stand().refuses(withSignature(input, pss(length)), invalid, `salt of ${length}`);
      }
      await stand().admits(withSignature(input, pss(size)));
    });

    test(`${algorithm}: neither another digest nor PKCS#1 v1.5`, async () => {
      for (const other of ['sha1', 'sha256', 'sha384', 'sha512'].filter((name) => name !== hash)) {
        await stand().refuses(withSignature(input, pss(size, other)), invalid, other);
      }
      await stand().refuses(withSignature(input, sign(hash, Buffer.from(input), rsa.privateKey)), invalid);
      await stand().refuses(withSignature(input, Buffer.alloc(256)), invalid, 'zeros');
    });
  }
});

describe('keys of the wrong kind', () => {
  test('secp256k1, whose signatures have the shape of ES256', async () => {
    const key = pairOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }));
    await stand().refuses(signToken('ES256', key, claims({ iss: 'ES256' })), invalid);
    assert.throws(() => verificationKey(key, ['ES256']), /curve secp256k1; must be on P-256, P-384 or P-521/);
  });
});

/** The largest number whose cube does not exceed the value. */
function cubeRoot(value: bigint): bigint {
  let [low, high] = [0n, 1n << BigInt(Math.ceil(value.toString(2).length / 3) + 1)];
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (middle ** 3n <= value) low = middle;
    else high = middle - 1n;
  }
  return low;
}
