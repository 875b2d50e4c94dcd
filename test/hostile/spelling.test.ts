import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { byEngine } from '../support/engine.ts';
import { hs256, keyPair, rs256, signToken, type TestKey } from '../support/tokens.ts';
import { claims, compact, issuerOf, SECRET, segment, standFor, verificationKey } from './stand.ts';

const rsa = keyPair('RS256');
const ec = keyPair('ES256');
const stand = standFor([
  issuerOf('main', ['RS256', 'ES256'], [verificationKey(rsa, ['RS256']), verificationKey(ec, ['ES256'])]),
  issuerOf('hmac', ['HS256'], [verificationKey(SECRET, ['HS256'])], { issuer: 'hmac' }),
]);
const malformed = '401 token_malformed';
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const bytesOf = (text: string): string => Buffer.from(text, 'base64url').toString('hex');
const cached = (): Promise<number> => stand().metric('portcullis_token_cache_entries');

/** A token with one of its three segments changed. */
function respell(token: string, at: number, change: (segment: string) => string): string {
  return token
    .split('.')
    .map((part, index) => (index === at ? change(part) : part))
    .join('.');
}

const signers: readonly (readonly [name: string, spare: number, make: (changes: object) => string])[] = [
  ['RS256', 4, (changes) => rs256(rsa, claims({ ...changes }))],
  ['ES256', 4, (changes) => signToken('ES256', ec, claims({ ...changes }))],
  ['HS256', 2, (changes) => hs256(SECRET, claims({ iss: 'hmac', ...changes }))],
];

describe('a token has one spelling', () => {
  for (const [name, spare, make] of signers) {
    test(`${name}: all other spellings of its signature are refused, and never cached`, async () => {
      const token = make({});
      await stand().admits(token);
      const entries = await cached();
      const last = alphabet.indexOf(token.at(-1) as string);
      const signature = token.slice(token.lastIndexOf('.') + 1);
      for (let bits = 1; bits < 1 << spare; bits += 1) {
        const other = respell(token, 2, (text) => text.slice(0, -1) + alphabet[last ^ bits]);
        assert.equal(bytesOf(other.split('.')[2] as string), bytesOf(signature), 'the same bytes');
        await stand().refuses(other, malformed, `trailing bits ${bits}`);
      }
      assert.equal(await cached(), entries);
      await stand().admits(token);
    });
  }

  test('trailing bits of header and payload', async () => {
    // Texts of lengths that leave four and two bits over.
    for (const [text, spare] of [
      ['{"alg":"RS256","x":""}', 4],
      ['{"alg":"RS256","x":"y"}', 2],
    ] as const) {
      const token = rs256(rsa, claims(), text);
      await stand().admits(token);
      for (let bits = 1; bits < 1 << spare; bits += 1) {
        const other = respell(token, 0, (part) => {
          return part.slice(0, -1) + alphabet[alphabet.indexOf(part.at(-1) as string) ^ bits];
        });
        await stand().refuses(other, malformed, `header bits ${bits}`);
      }
    }
    for (const sub of ['u', 'us', 'use']) {
      const token = rs256(rsa, claims({ sub }));
      const payload = token.split('.')[1] as string;
      const spare = [0, 0, 4, 2][payload.length % 4] as number;
      for (let bits = 1; bits < 1 << spare; bits += 1) {
        const last = alphabet[alphabet.indexOf(payload.at(-1) as string) ^ bits];
        await stand().refuses(
          respell(token, 1, () => payload.slice(0, -1) + last),
          malformed,
          `payload bits ${bits}`,
        );
      }
    }
  });

  const token = rs256(rsa, claims({ x: '~~~???>>>' }));
  const insertions = [
    '=',
    '==',
    '===',
    '%3D',
    '"',
    "'",
    ';',
    '!',
    '*',
    '~',
    '$',
    '\x7f',
    '\xe9',
    '\xc3\xa9',
    '\u00ad',
  ];
  for (const text of insertions) {
    const isControl = text === '\x7f';
    const refusal = isControl
      ? byEngine('DEL in a value', { uws: malformed, node: '400 request_malformed' })
      : malformed;
    test(`${JSON.stringify(text)} after, before or within a segment`, async () => {
      for (const at of [0, 1, 2]) {
        const changes: readonly ((part: string) => string)[] = [
          (part) => part + text,
          (part) => text + part,
          (part) => part.slice(0, 8) + text + part.slice(8),
          (part) => part.slice(0, -text.length) + text,
        ];
        for (const [index, change] of changes.entries()) {
          // Where the engine drops bytes from 0x80 up at the edges of a value, the end is unchanged.
          const isCut = byEngine('bytes from 0x80 up', { uws: true, node: false });
          if (isCut && at === 2 && index % 3 === 0 && text.charCodeAt(text.length - 1) >= 0x80) continue;
          await stand().refuses(respell(token, at, change), refusal, `segment ${at}, place ${index}`);
        }
      }
      await stand().admits(token);
    });
  }

  test('white space within the token', async () => {
    for (const space of [' ', '\t', '  ']) {
      for (const at of [0, 1, 2]) {
        await stand().refuses(
          respell(token, at, (part) => `${part.slice(0, 8)}${space}${part.slice(8)}`),
          malformed,
        );
        if (at < 2)
          await stand().refuses(
            respell(token, at, (part) => part + space),
            malformed,
          );
        if (at > 0)
          await stand().refuses(
            respell(token, at, (part) => space + part),
            malformed,
          );
      }
    }
  });

  test('control characters are refused before the token is examined', async () => {
    for (const control of ['\0', '\x01', '\x1b']) {
      const reply = await stand().ask(`Bearer ${token.slice(0, 40)}${control}${token.slice(40)}`, '/attack');
      assert.match(reply, /^400 /, JSON.stringify(control));
    }
  });

  test('the alphabet of plain base64', async () => {
    const signed = ['+', '/'].map((sign) => {
      // A signature that contains the sign's counterpart, so that both spellings mean the same bytes.
      const counterpart = sign === '+' ? '-' : '_';
      for (let n = 0; ; n += 1) {
        const made = rs256(rsa, claims({ n }));
        if ((made.split('.')[2] as string).includes(counterpart)) {
          return [made, respell(made, 2, (part) => part.replaceAll(counterpart, sign))] as const;
        }
      }
    });
    for (const [good, other] of signed) {
      assert.equal(bytesOf(good.split('.')[2] as string), bytesOf(other.split('.')[2] as string));
      await stand().refuses(other, malformed);
      await stand().admits(good);
      await stand().refuses(other, malformed, 'once the good one is cached');
    }
    const payload = respell(token, 1, (part) => part.replaceAll('-', '+').replaceAll('_', '/'));
    assert.notEqual(payload, token);
    await stand().refuses(payload, malformed);
  });
});

describe('a token has three segments', () => {
  const token = rs256(rsa, claims());
  const [header = '', payload = '', signature = ''] = token.split('.');
  const rows: readonly (readonly [name: string, text: string, expected?: string])[] = [
    ['one dot', '.'],
    ['two dots', '..'],
    ['three dots', '...'],
    ['ten thousand dots', '.'.repeat(10_000)],
    ['one letter', 'a'],
    ['the header alone', header],
    ['the header and a dot', `${header}.`],
    ['header and payload', `${header}.${payload}`],
    ['no signature', `${header}.${payload}.`, '401 signature_invalid'],
    ['no payload', `${header}..${signature}`],
    ['no header', `.${payload}.${signature}`],
    ['nothing but a signature', `..${signature}`],
    ['a dot behind', `${token}.`],
    ['a dot before', `.${token}`],
    ['a dot too many', `${header}..${payload}.${signature}`],
    ['a fourth segment', `${token}.${signature}`],
    ['two tokens', `${token}.${token}`],
    ['a fifth segment', `${token}.a.b`],
    ['a repeated payload', `${header}.${payload}.${payload}.${signature}`],
    ['payload before header', `${payload}.${header}.${signature}`, '401 algorithm_not_allowed'],
    [
      'a JWE (RFC 7516)',
      `${compact({ alg: 'dir', enc: 'A256GCM' }, '', 'aaaaaaaaaaaa')}.${segment('x')}.${segment('tag')}`,
    ],
    [
      'a JWE that holds a token',
      `${segment({ alg: 'RSA-OAEP', enc: 'A256GCM', cty: 'JWT' })}.a.b.${segment(token)}.c`,
    ],
    ['a JWE with the header of a signed token', `${header}..${payload}.${signature}.${signature}`],
    ['JSON serialisation, flattened', JSON.stringify({ payload, protected: header, signature })],
    [
      'JSON serialisation, general',
      JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
    ],
    ['JSON serialisation without a comma', JSON.stringify({ payload })],
    ['a token in quotes', `"${token}"`],
    ['a token in angle brackets', `<${token}>`],
    ['a token after a name', `token=${token}`],
    ['a detached payload (RFC 7515, appendix F)', `${header}..${signature}`],
    ['bytes', '\xde\xad\xbe\xef'],
    ['the word null', 'null'],
    ['the word undefined', 'undefined'],
    ['a path', '../../../etc/passwd'],
  ];
  for (const [name, text, expected = malformed] of rows) {
    test(name, () => stand().refuses(text, expected));
  }
});

describe('a token has fewer than 16 KiB', () => {
  const LIMIT = 16 * 1024;
  const ofLength = (length: number, key: TestKey = rsa): string => {
    // Three more bytes make four more characters; the last bytes are added one by one, and each token is signed.
    for (let pad = Math.floor((length - 700) * 0.74); ; ) {
      const token = rs256(key, claims({ pad: 'x'.repeat(pad) }));
      if (token.length >= length) return token;
      pad += Math.max(1, Math.floor((length - token.length) * 0.74));
    }
  };

  test('the longest is accepted, the next is refused', async () => {
    const longest = ofLength(LIMIT - 2);
    assert.ok(longest.length < LIMIT, String(longest.length));
    await stand().admits(longest);
    await stand().refuses(ofLength(LIMIT), malformed);
  });

  for (const length of [17_000, 65_536, 200_000]) {
    test(`${length} characters: as a token, a header, a signature, a word, dots`, async () => {
      await stand().refuses(ofLength(length), malformed);
      await stand().refuses(`${'A'.repeat(length)}.e30.AA`, malformed);
      await stand().refuses(`${rs256(rsa, claims())}${'A'.repeat(length)}`, malformed);
      await stand().refuses('a'.repeat(length), malformed);
      await stand().refuses('.'.repeat(length), malformed);
    });
  }
});
