import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpareHeadReader } from '../../../src/upstream/h1/spare-head-reader.ts';
import { cut, Player } from './response-player.ts';
import { chunked, head, ok } from './response-row.ts';

const early = head('HTTP/1.1 103 Hints', 'X: 1');

/** Similar heads: what one of them leaves in the memo is nearly right for another. */
const heads = [
  ok('Content-Length: 2'),
  ok('Content-Length: 3'),
  ok('content-length: 2'),
  ok('Content-Length: 2', 'A: 1'),
  ok('Content-Length: 2', 'A: 2'),
  ok('Content-Length: 2', 'Connection: close'),
  ok('A: 1', 'Content-Length: 2'),
  ok('A: 1', 'B: 1', 'Connection: A', 'Content-Length: 2'),
  ok('Content-Length: 2').replace('1.1', '1.0'),
  ok('Content-Length: 2').replace('OK', 'OJ'),
  ok('Content-Length: 0'),
  ok(),
  chunked,
  ok('Transfer-Encoding: chunked', 'A: 1'),
  head('HTTP/1.1 204 OK'),
  head('HTTP/1.1 304 OK', 'Content-Length: 2'),
  ok('Content-Length: 2', `A: ${'x'.repeat(970)}`),
  ok('Content-Length: 2', `A: ${'x'.repeat(1100)}`),
  early,
];
const bodies = [
  '',
  'hi',
  'hip',
  '2\r\nhi\r\n0\r\n\r\n',
  '0\r\nTrailer-A: 1\r\n\r\n',
  ok('Content-Length: 2'),
];

const piece = fc.record({
  before: fc.constantFrom('', '', '', early, head('HTTP/1.1 100 C').repeat(8)),
  head: fc.constantFrom(...heads),
  /** Bytes of the head that remain: all of them, or a prefix whose place a body may take. */
  kept: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.double({ min: 0, max: 1, noNaN: true })),
  body: fc.constantFrom(...bodies),
  method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST'),
  cuts: fc.oneof(
    { weight: 3, arbitrary: fc.constant<number[]>([]) },
    fc.array(fc.nat(1200), { maxLength: 3 }),
  ),
  times: fc.integer({ min: 1, max: 3 }),
  player: fc.nat(2),
  eof: fc.boolean(),
});

/** Head limits that end in the middle of these heads, right after one, in a trailer, and far away. */
const limits = fc.constantFrom(
  ok('Content-Length: 2').length - 1,
  ok('Content-Length: 2').length,
  chunked.length,
  chunked.length + 1,
  chunked.length + 2,
  chunked.length + 15,
  chunked.length + 16,
  early.length + ok('Content-Length: 2').length,
  1024,
  65_536,
);

test('a warmed memo changes nothing, with any heads read before and with cuts in any place', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(piece, { minLength: 2, maxLength: 12 }), limits, limits, (pieces, limit, other) => {
      const spare = new SpareHeadReader();
      const players = [limit, limit, other].map((each) => ({ limit: each, warm: new Player(each, spare) }));
      for (const { before, head: text, kept, body, method, cuts, times, player, eof } of pieces) {
        const { warm, limit: room } = players[player] as (typeof players)[number];
        const bytes = Buffer.from(before + text.slice(0, Math.ceil(text.length * kept)) + body, 'latin1');
        const places = cuts.map((at) => at % (bytes.length + 1)).sort((left, right) => left - right);
        for (let time = 0; time < times; time += 1) {
          const cold = new Player(room).play([bytes], { method, eof });
          assert.deepEqual(warm.play(cut(bytes, places), { method, eof }), cold);
          // The bytes after a cut were a part of a head, and alone they are none.
          const rest = bytes.subarray(places[0] ?? 0);
          const alone = new Player(room).play([rest], { method, eof });
          assert.deepEqual(warm.play([rest], { method, eof }), alone);
          seen.add(cold.fault ?? `${cold.framing} ${cold.complete}`);
        }
      }
    }),
    { numRuns: 3000 },
  );
  for (const outcome of ['head_too_large', 'trailer_too_large', 'chunked true', 'none true'])
    assert.ok(seen.has(outcome), `${outcome} is never reached`);
});

/** The pieces, with an action after each. */
function* between(pieces: readonly Buffer[], then: () => void): Generator<Buffer> {
  for (const piece of pieces) {
    yield piece;
    then();
  }
}

test('a head that arrives in two pieces is not mixed with a head read in between', () => {
  for (const [first, second] of heads.flatMap((one) => heads.map((other) => [one, other] as const))) {
    const spare = new SpareHeadReader();
    const [a, b] = [new Player(4096, spare), new Player(4096, spare)];
    const one = Buffer.from(`${first}hi`, 'latin1');
    const two = Buffer.from(`${second}hi`, 'latin1');
    const options = { method: 'GET', eof: false };
    const wanted = new Player(4096).play([one], options);
    const other = new Player(4096).play([two], options);
    for (let at = 1; at < one.length; at += Math.ceil(one.length / 20)) {
      const parted = between(cut(one, [at]), () => assert.deepEqual(b.play([two], options), other));
      assert.deepEqual(a.play(parted, options), wanted);
      assert.deepEqual(a.play([one], options), wanted);
    }
  }
});
