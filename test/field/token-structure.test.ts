// Source: an adversarial review: made-up tokens of thousands of small JSON objects, which cost nine times a usual one.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { MAX_AUDIENCES } from '../../src/auth/audience-names.ts';
import { HEADER_LIMITS, LIMITS, Outline } from '../../src/auth/json-outline.ts';
import type { Permit, Rejection } from '../../src/types.ts';
import { head, issuer, publicKey, Setup } from '../auth/support.ts';
import { keyPair, rs256 } from '../support/tokens.ts';
import { bigTokens, realTokens } from './real-tokens.ts';

const key = keyPair('RS256');
const stranger = keyPair('RS256');
const rsa = issuer({ algorithms: ['RS256'], keys: [publicKey(key, ['RS256'])] });

/** What a text is made of, counted apart from the code that judges it. */
function madeOf(
  value: unknown,
  depth = 0,
): { members: number; containers: number; commas: number; depth: number } {
  if (typeof value !== 'object' || value === null) return { members: 0, containers: 0, commas: 0, depth };
  const inner = Object.values(value);
  const sum = {
    members: Array.isArray(value) ? 0 : inner.length,
    containers: 1,
    commas: Math.max(0, inner.length - 1),
    depth: depth + 1,
  };
  for (const one of inner.map((item) => madeOf(item, depth + 1))) {
    sum.members += one.members;
    sum.containers += one.containers;
    sum.commas += one.commas;
    sum.depth = Math.max(sum.depth, one.depth);
  }
  return sum;
}

describe('the limits of structure', () => {
  for (const [name, token] of Object.entries(realTokens)) {
    test(`are far above what a token of ${name} needs`, () => {
      for (const [at, part] of token.entries()) {
        const limits = at === 0 ? HEADER_LIMITS : LIMITS;
        const { members, containers, commas, depth } = madeOf(part);
        assert.ok(members * 10 <= limits.members, `${members} members`);
        assert.ok(containers * 10 <= limits.containers, `${containers} containers`);
        assert.ok(commas * 10 <= limits.commas, `${commas} commas`);
        // As it was: each level costs next to nothing, so this one need not be so far away.
        assert.ok(depth * 7 <= limits.depth, `${depth} levels`);
      }
      const { aud } = token[1] as { aud: string | readonly string[] };
      assert.ok([aud].flat().length * 10 <= MAX_AUDIENCES);
    });
  }

  for (const [name, claims] of Object.entries(bigTokens)) {
    test(`let in ${name}`, async () => {
      const setup = new Setup({ issuers: [rsa], verifiers: 0 });
      const token = rs256(key, setup.claims(claims));
      assert.ok(token.length < 16 * 1024, `${token.length} characters`);
      assert.equal(await setup.word(token), 'permit');
      await setup.authorizer.close();
    });
  }

  const outlines = { header: new Outline([], HEADER_LIMITS), claims: new Outline([]) };
  const fits = (text: string, part: 'header' | 'claims' = 'claims'): boolean => {
    const bytes = Buffer.from(text);
    return outlines[part].of(bytes, bytes.length) >= 0;
  };
  const members = (count: number): string =>
    `{${Array.from({ length: count }, (_, n) => `"${n}":0`).join()}}`;
  const list = (item: string, count: number): string => `{"a":[${Array(count).fill(item).join()}]}`;
  const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  for (const [part, limits] of [['header', HEADER_LIMITS] as const, ['claims', LIMITS] as const]) {
    const edges: readonly (readonly [string, inside: string, outside: string])[] = [
      ['members', members(limits.members), members(limits.members + 1)],
      ['containers', list('[]', limits.containers - 2), list('[]', limits.containers - 1)],
      ['objects', list('{"b":0}', limits.containers - 2), list('{"b":0}', limits.containers - 1)],
      ['commas', list('0', limits.commas + 1), list('0', limits.commas + 2)],
      ['depth', nested(limits.depth), nested(limits.depth + 1)],
    ];
    for (const [name, inside, outside] of edges) {
      test(`of ${name} in the ${part} end where they say`, () => {
        assert.deepEqual([fits(inside, part), fits(outside, part)], [true, false]);
      });
    }
  }

  test('are not those of a text within', () => {
    assert.ok(fits(JSON.stringify({ a: '{[,:'.repeat(3000), b: ['","', '":{'] })));
  });
});

describe('a token without a good signature', () => {
  const setup = new Setup({ issuers: [rsa], verifiers: 0 });
  before(() => setup.authorizer.start());
  after(() => setup.authorizer.close());

  test('is not read into objects, with any content', async (context) => {
    const names = Array.from({ length: 300 }, (_, n) => [`name ${n}`, n]);
    const claims = [{}, Object.fromEntries(names), { x: Array(1000).fill('x') }, { x: Array(200).fill({}) }];
    const tokens = claims.map((some) => rs256(stranger, setup.claims(some), { alg: 'RS256', x5c: ['x'] }));
    const parse = context.mock.method(JSON, 'parse');
    const words = [];
    for (const token of tokens) words.push(await setup.word(token));
    const { length } = parse.mock.calls;
    parse.mock.restore();
    assert.deepEqual(new Set(words), new Set(['signature_invalid signature']));
    assert.equal(length, 0);
  });

  test('is not read into objects for its alg, its issuer or its audience either', async (context) => {
    const more = { x: Array(1000).fill('x') };
    const tokens = [
      rs256(stranger, setup.claims({ ...more, iss: 'https://elsewhere.example' })),
      rs256(stranger, setup.claims({ ...more, aud: Array(MAX_AUDIENCES).fill('x') })),
      rs256(stranger, setup.claims(more), { alg: 'none', x: Array(90).fill('x') }),
      rs256(stranger, `${JSON.stringify(setup.claims(more))},`),
    ];
    const parse = context.mock.method(JSON, 'parse');
    const words = [];
    for (const token of tokens) words.push(await setup.word(token));
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
      assert.equal(await setup.word(rs256(by, setup.claims({ x }))), 'token_malformed issuer');
      const header = { alg: 'RS256', x };
      assert.equal(await setup.word(rs256(by, setup.claims(), header)), 'token_malformed algorithm');
    }
    assert.equal(verifyBatchSize.sum, verified);
  });
});

test('nothing is decoded of a token that could not wait for its signature', async (context) => {
  // Not started, so that all of them wait.
  const setup = new Setup({ issuers: [rsa] });
  const input = rs256(key, setup.claims()).replace(/[^.]*$/, '');
  const token = (n: number): string => `${input}${createHash('sha256').update(`${n}`).digest('base64url')}`;
  const onVerdict = (): void => undefined;
  const ask = (n: number): Permit | Rejection | { kind: 'pending' } =>
    setup.authorizer.authorize(setup.access, head(`Bearer ${token(n)}`), { onVerdict });
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
