import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Framing } from '../../../src/http/message.ts';
import { cut, Player } from './response-player.ts';
import type { Outcome } from './response-row.ts';
import { rows } from './response-rows.ts';

const LIMIT = 65_536;

const tokenCharacters = [..."!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const valueCharacters = Array.from({ length: 256 }, (_, byte) => byte)
  .filter((byte) => byte > 0x20 && byte !== 0x7f)
  .map((byte) => String.fromCharCode(byte));
const blanks = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });
const bytesText = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

/** Headers that the parser obeys instead of forwarding them. */
const ours =
  /^(?:te|date|upgrade|trailer|connection|keep-alive|content-length|proxy-connection|transfer-encoding|proxy-authenticate)$/i;

const word = fc.string({ unit: fc.constantFrom(...valueCharacters), minLength: 1, maxLength: 12 });
const header = fc.record({
  name: fc
    .string({ unit: fc.constantFrom(...tokenCharacters), minLength: 1, maxLength: 18 })
    .filter((name) => !ours.test(name)),
  value: fc.array(word, { maxLength: 3 }).map((words) => words.join(' \t')),
  before: fc.oneof(fc.constant(' '), blanks),
  after: fc.oneof(fc.constant(''), blanks),
});
type Header = typeof header extends fc.Arbitrary<infer Value> ? Value : never;

const line = ({ name, value, before, after }: Header): string => `${name}:${before}${value}${after}\r\n`;

const message = fc.record({
  status: fc.integer({ min: 200, max: 999 }).filter((status) => status !== 204 && status !== 304),
  reason: fc.oneof(fc.constant('OK'), word),
  interims: fc.array(fc.constantFrom(100, 102, 103), { maxLength: 3 }),
  headers: fc.array(header, { maxLength: 12 }),
  /** The place of the framing header among the others. */
  place: fc.nat(12),
  framing: fc.constantFrom<Framing>('length', 'chunked', 'close'),
  pieces: fc.array(bytesText, { maxLength: 5 }),
  extension: fc.constantFrom('', ';a', ';a=b;c="d"'),
  trailers: fc.array(header, { maxLength: 2 }),
  excess: fc.constantFrom('', 'HTTP/1.1 200 OK\r\n', '\r\n'),
  cuts: fc.array(fc.nat(1200), { maxLength: 8 }),
});
type Message = typeof message extends fc.Arbitrary<infer Value> ? Value : never;

/** The bytes of a message without the excess, and their expected result. */
function build(parts: Message): { text: string; outcome: Outcome } {
  const body = parts.pieces.join('');
  const lines = parts.headers.map(line);
  if (parts.framing === 'length') lines.splice(parts.place, 0, `Content-Length: ${body.length}\r\n`);
  if (parts.framing === 'chunked') lines.splice(parts.place, 0, 'Transfer-Encoding: chunked\r\n');
  const interims = parts.interims.map((status) => `HTTP/1.1 ${status} Wait\r\nX: 1\r\n\r\n`).join('');
  const head = `${interims}HTTP/1.1 ${parts.status} ${parts.reason}\r\n${lines.join('')}\r\n`;
  const chunks = parts.pieces
    .filter((piece) => piece !== '')
    .map((piece) => `${piece.length.toString(16)}${parts.extension}\r\n${piece}\r\n`)
    .join('');
  const headers = parts.headers.map(({ name, value }) => `${name}: ${value}`).join('\r\n');
  return {
    text:
      head + (parts.framing === 'chunked' ? `${chunks}0\r\n${parts.trailers.map(line).join('')}\r\n` : body),
    outcome: {
      status: `${parts.status} ${parts.reason}`,
      headers,
      framing: parts.framing,
      length: parts.framing === 'length' ? body.length : -1,
      keepAlive: parts.framing !== 'close',
      keepSeconds: Number.POSITIVE_INFINITY,
      keepRequests: Number.POSITIVE_INFINITY,
      eightBit: /[\x80-\xff]/.test(parts.reason + headers),
      body,
      complete: true,
      excess: parts.framing === 'close' ? '' : parts.excess,
      fault: undefined,
    },
  };
}

const places = (cuts: readonly number[], length: number): number[] =>
  cuts.map((at) => at % (length + 1)).sort((left, right) => left - right);

test('generated messages come through with cuts in any place', () => {
  const player = new Player(LIMIT);
  fc.assert(
    fc.property(message, (parts) => {
      const { text, outcome } = build(parts);
      const bytes = Buffer.from(parts.framing === 'close' ? text : text + parts.excess, 'latin1');
      const options = { method: 'GET', eof: parts.framing === 'close' };
      assert.deepEqual(player.play(cut(bytes, places(parts.cuts, bytes.length)), options), outcome);
    }),
    { numRuns: 1500 },
  );
});

const mutation = fc.record({
  kind: fc.constantFrom('set', 'flip', 'insert', 'remove', 'repeat'),
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  byte: fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(...Buffer.from('\r\n\t \0:;,019afx\x7f\x80', 'latin1')),
  ),
  span: fc.integer({ min: 1, max: 20 }),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutate(bytes: Buffer, { kind, at, byte, span }: Mutation): Buffer {
  const place = Math.floor(at * bytes.length);
  const before = bytes.subarray(0, place);
  switch (kind) {
    case 'insert':
      return Buffer.concat([before, Buffer.of(byte), bytes.subarray(place)]);
    case 'remove':
      return Buffer.concat([before, bytes.subarray(place + span)]);
    case 'repeat':
      return Buffer.concat([before, bytes.subarray(place, place + span), bytes.subarray(place)]);
    default: {
      const copy = Buffer.from(bytes);
      if (place < copy.length)
        copy[place] = kind === 'set' ? byte : (copy[place] as number) ^ (1 << (span & 7));
      return copy;
    }
  }
}

test('damaged messages have one result for any cuts, and nothing unsafe comes out', () => {
  const seeds = fc.oneof(
    message.map((parts) => build(parts).text),
    fc.constantFrom(...rows.map((row) => row.bytes).filter((bytes) => bytes.length < 500)),
  );
  const player = new Player(700);
  let refused = 0;
  fc.assert(
    fc.property(
      seeds,
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(1200), { maxLength: 6 }),
      fc.constantFrom('GET', 'HEAD'),
      (text, mutations, cuts, method) => {
        const bytes = mutations.reduce(mutate, Buffer.from(text, 'latin1'));
        // The player checks each event and each return value.
        const whole = player.play([bytes], { method, eof: true });
        const parted = player.play(cut(bytes, places(cuts, bytes.length)), { method, eof: true });
        assert.deepEqual(parted, whole);
        if (whole.fault !== undefined) refused += 1;
      },
    ),
    { numRuns: 4000 },
  );
  assert.ok(refused > 400, 'the damage is noticed often enough for this test to mean something');
});
