// Source: an adversarial review: made-up tokens of thousands of small JSON objects, which cost nine times a usual one.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { MAX_AUDIENCES } from '../../src/auth/read/audience-names.ts';
import { HEADER_LIMITS, LIMITS, Outline } from '../../src/auth/read/json-outline.ts';
import type { Permit, Rejection } from '../../src/auth/verdict.ts';
import { head, issuer, publicKey, Setup } from '../auth/support.ts';
import { keyPair, rs256 } from '../support/tokens.ts';
import { bigTokens, realTokens } from './real-tokens.ts';

const key = keyPair('RS256');
const stranger = keyPair('RS256');
const rsa = issuer({ algorithms: ['RS256'], keys: [publicKey(key, ['RS256'])] });

/** Parts of a value as written without white space, counted apart from the code under test. */
function partsOf(value: unknown): number {
  if (typeof value === 'string') return JSON.stringify(value).includes('\\') ? 2 : 1;
  if (typeof value !== 'object' || value === null) return 2;
  const names = Array.isArray(value) ? [] : Object.keys(value);
  const ofNames = names.map((name) => (JSON.stringify(name).includes('\\') ? 5 : 1));
  return [1, ...ofNames, ...Object.values(value).map(partsOf)].reduce((sum, parts) => sum + parts);
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('the limits of structure', () => {
  for (const [name, token] of Object.entries(realTokens)) {
    test(`are far above the need of a token of ${name}`, () => {
      for (const [at, part] of token.entries()) {
        const limits = at === 0 ? HEADER_LIMITS : LIMITS;
        assert.ok(partsOf(part) * 10 <= limits.parts, `${partsOf(part)} parts`);
        // As before: a level costs almost nothing, so this limit need not be so far away.
        assert.ok(depthOf(part) * 7 <= limits.depth, `${depthOf(part)} levels`);
      }
      const { aud } = token[1] as { aud: string | readonly string[] };
      assert.ok([aud].flat().length * 10 <= MAX_AUDIENCES);
    });
  }

  for (const [name, claims] of Object.entries(bigTokens)) {
    test(`accept ${name}`, async () => {
      const setup = new Setup({ issuers: [rsa], verifiers: 0 });
      const token = rs256(key, setup.claims(claims));
      assert.ok(token.length < 16 * 1024, `${token.length} characters`);
      assert.equal(await setup.verdict(token), 'permit');
      await setup.authorizer.close();
    });
  }

  const outlines = { header: new Outline([], HEADER_LIMITS), claims: new Outline([]) };
  const fits = (text: string, part: 'header' | 'claims' = 'claims'): boolean => {
    const bytes = Buffer.from(text);
    return outlines[part].of(bytes, bytes.length) >= 0;
  };
  const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  /** Objects as large as the limit, plus or minus a part, of items that count as one part, two, three or five and two. */
  const largest: Readonly<Record<string, (parts: number) => Readonly<Record<string, unknown>>>> = {
    texts: (parts) => ({ a: Array(parts - 3).fill('x') }),
    'objects and lists': (parts) => ({ a: Array.from({ length: parts - 3 }, (_, n) => (n % 2 ? {} : [])) }),
    members: (parts) => ({
      ...Object.fromEntries(Array.from({ length: (parts - 3) >> 1 }, (_, n) => [`n${n}`, 'x'])),
      a: parts % 2 ? [] : [''],
    }),
    numbers: (parts) => ({ a: [...Array((parts - 3) >> 1).fill(7), ...Array((parts - 3) & 1).fill('')] }),
    literals: (parts) => ({ a: [...Array((parts - 3) >> 1).fill(null), ...Array((parts - 3) & 1).fill('')] }),
    'texts with escapes': (parts) => ({
      a: [...Array((parts - 3) >> 1).fill('x"'), ...Array((parts - 3) & 1).fill('')],
    }),
    'names with escapes': (parts) => ({
      ...Object.fromEntries(Array.from({ length: Math.floor((parts - 3) / 6) }, (_, n) => [`"${n}`, 'x'])),
      a: Array((parts - 3) % 6).fill(''),
    }),
  };
  for (const [part, limits] of [['header', HEADER_LIMITS] as const, ['claims', LIMITS] as const]) {
    for (const [name, of] of Object.entries(largest)) {
      test(`of ${name} in the ${part} end at their number`, () => {
        for (const [parts, fit] of [
          [limits.parts, true],
          [limits.parts + 1, false],
        ] as const) {
          assert.equal(partsOf(of(parts)), parts);
          assert.equal(fits(JSON.stringify(of(parts)), part), fit);
        }
      });
    }
    test(`of white space in the ${part} end at their number`, () => {
      for (const space of [' ', '\n\t']) {
        // One between each two texts, and three parts around them.
        const text = (count: number): string => `{"a":[${Array(count).fill('""').join(`,${space}`)}]}`;
        const count = (limits.parts - 3 + 1) >> 1;
        assert.deepEqual([fits(text(count), part), fits(text(count + 1), part)], [true, false]);
      }
    });
    test(`of depth in the ${part} end at their number`, () => {
      assert.deepEqual(
        [fits(nested(limits.depth), part), fits(nested(limits.depth + 1), part)],
        [true, false],
      );
    });
  }

  test('are not those of a text within', () => {
    assert.ok(fits(JSON.stringify({ a: '{[,:'.repeat(3000), b: ['","', '":{'] })));
  });
});

describe('a token without a good signature', () => {
  const setup = new Setup({ issuers: [rsa], verifiers: 0 });
  before(() => setup.authorizer.start());
  after(() => setup.authorizer.close());

  test('is not parsed into objects, with any content', async (context) => {
    const names = Array.from({ length: 200 }, (_, n) => [`name ${n}`, n]);
    const claims = [{}, Object.fromEntries(names), { x: Array(600).fill('x') }, { x: Array(200).fill({}) }];
    const tokens = claims.map((some) => rs256(stranger, setup.claims(some), { alg: 'RS256', x5c: ['x'] }));
    const parse = context.mock.method(JSON, 'parse');
    const words = [];
    for (const token of tokens) words.push(await setup.verdict(token));
    const { length } = parse.mock.calls;
    parse.mock.restore();
    assert.deepEqual(new Set(words), new Set(['signature_invalid signature']));
    assert.equal(length, 0);
  });

  test('is not parsed into objects for its alg, its issuer or its audience either', async (context) => {
    const more = { x: Array(600).fill('x') };
    const tokens = [
      rs256(stranger, setup.claims({ ...more, iss: 'https://elsewhere.example' })),
      rs256(stranger, setup.claims({ ...more, aud: Array(MAX_AUDIENCES).fill('x') })),
      rs256(stranger, setup.claims(more), { alg: 'none', x: Array(90).fill('x') }),
      rs256(stranger, `${JSON.stringify(setup.claims(more))},`),
    ];
    const parse = context.mock.method(JSON, 'parse');
    const words = [];
    for (const token of tokens) words.push(await setup.verdict(token));
    const { length } = parse.mock.calls;
    parse.mock.restore();
    assert.deepEqual(words, [
      'issuer_mismatch issuer',
      'audience_mismatch audience',
      'algorithm_not_allowed algorithm',
      'token_malformed issuer',
    ]);
    assert.equal(length, 0);
  });

  test('of thousands of small objects is malformed before its signature', async () => {
    const { verifyBatchSize } = setup.counters;
    const verified = verifyBatchSize.sum;
    const x = Array.from({ length: 800 }, (_, n) => ({ [1000 + n]: 0 }));
    for (const by of [stranger, key]) {
      assert.equal(await setup.verdict(rs256(by, setup.claims({ x }))), 'token_malformed issuer');
      const header = { alg: 'RS256', x };
      assert.equal(await setup.verdict(rs256(by, setup.claims(), header)), 'token_malformed algorithm');
    }
    assert.equal(verifyBatchSize.sum, verified);
  });
});

test('a kid of up to 1,024 bytes as written is looked up, and a longer one names no key', async () => {
  for (const [character, bytes] of [
    ['k', 1],
    ['一', 3],
    // Written as an escape.
    ['\u0007', 6],
  ] as const) {
    const kid = character.repeat(Math.floor(1024 / bytes));
    const keys = [publicKey(key, ['RS256'], kid), publicKey(stranger, ['RS256'], 'other')];
    const setup = new Setup({ issuers: [issuer({ algorithms: ['RS256'], keys })], verifiers: 0 });
    const verdict = (named: string): Promise<string> =>
      setup.verdict(rs256(key, setup.claims(), { alg: 'RS256', kid: named }));
    assert.equal(await verdict(kid), 'permit');
    for (const other of [
      kid.slice(1),
      `${kid}${character}`,
      `${kid}${character.repeat(400)}`,
      'k'.repeat(8000),
    ]) {
      assert.equal(await verdict(other), 'key_unknown signature');
    }
    await setup.authorizer.close();
  }
});

test('a token that cannot wait for its signature is not decoded', async (context) => {
  // Not started, so that all of them wait.
  const setup = new Setup({ issuers: [rsa] });
  const input = rs256(key, setup.claims()).replace(/[^.]*$/, '');
  const token = (n: number): string => `${input}${createHash('sha256').update(`${n}`).digest('base64url')}`;
  const onVerdict = (): void => undefined;
  const ask = (n: number): Permit | Rejection | { kind: 'pending' } =>
    setup.authorizer.authorize(setup.policy, head(`Bearer ${token(n)}`), { onVerdict });
  for (let n = 0; n < 4096; n += 1) assert.equal(ask(n).kind, 'pending');
  const parse = context.mock.method(JSON, 'parse');
  const write = context.mock.method(Buffer.prototype, 'write');
  const refused = ask(4096);
  const decoded = [parse.mock.calls.length, write.mock.calls.length];
  const joined = ask(4095);
  parse.mock.restore();
  write.mock.restore();
  assert.equal((refused as Rejection).reason, 'verifier_overloaded');
  assert.deepEqual(decoded, [0, 0]);
  assert.equal(joined.kind, 'pending', 'one that already waits is joined');
  await setup.authorizer.close();
});
