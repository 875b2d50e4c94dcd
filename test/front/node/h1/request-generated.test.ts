import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { agree } from './agreement.ts';
import { cut, linesOf, type Message, Player } from './request-player.ts';

const charactersOf = (fits: (byte: number) => boolean): string[] =>
  Array.from({ length: 256 }, (_, byte) => byte)
    .filter(fits)
    .map((byte) => String.fromCharCode(byte));
const tokenCharacters = charactersOf((byte) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte)));
const valueCharacters = charactersOf((byte) => byte > 0x20 && byte !== 0x7f);
const targetCharacters = charactersOf((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

const text = (characters: string[], maxLength: number, minLength = 0): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength });
const blanks = text([' ', '\t'], 3);
const bytesText = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

/** Fields with a meaning for the reader, or in trailers. */
const ours =
  /^(?:host|connection|content.(?:length|type|encoding|range|location)|transfer.encoding|authorization|expect|te|trailer|upgrade|range|cookie|proxy|pragma)$/i;

const field = fc.record({
  name: text(tokenCharacters, 18, 1).filter((name) => !ours.test(name)),
  value: fc.array(text(valueCharacters, 12, 1), { maxLength: 3 }).map((words) => words.join(' \t')),
  before: fc.oneof(fc.constant(' '), blanks),
  after: fc.oneof(fc.constant(''), blanks),
});
type Field = typeof field extends fc.Arbitrary<infer Value> ? Value : never;

const request = fc.record({
  emptyLines: fc.constantFrom(0, 0, 0, 1, 4),
  method: fc.oneof(
    fc.constantFrom('GET', 'POST', 'OPTIONS', 'PURGE', 'QUERY'),
    text(tokenCharacters, 8, 1).filter((method) => !/^(?:CONNECT|TRACE)$/.test(method)),
  ),
  path: text(targetCharacters, 20).map((rest) => `/${rest.replaceAll('?', '')}`),
  query: fc.option(text(targetCharacters, 20), { nil: undefined }),
  absolute: fc.constantFrom(undefined, undefined, 'http'),
  minor: fc.constantFrom(1, 1, 1, 0),
  host: fc.constantFrom('a', 'api.example.com:8080', '[::1]'),
  token: fc.option(text(valueCharacters, 40, 1), { nil: undefined }),
  connection: fc.constantFrom(undefined, 'close', 'keep-alive', 'x, Close', 'Keep-Alive'),
  fields: fc.array(field, { maxLength: 12 }),
  framing: fc.constantFrom('none', 'length', 'chunked'),
  pieces: fc.array(bytesText, { maxLength: 4 }),
  extension: fc.constantFrom('', ';a', ';a=b;c="d e\\""'),
  trailers: fc.array(field, { maxLength: 2 }),
});
type Request = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

const wireLine = ({ name, value, before, after }: Field): string => `${name}:${before}${value}${after}\r\n`;
const textLine = ({ name, value }: Field): string => `${name.toLowerCase()}: ${value}`;

/** The bytes of a request, and what should come of them, but for the offset of its end. */
function build(parts: Request): { wire: string; message: Omit<Message, 'end'> } {
  const { method, query, absolute, minor, host, token, connection } = parts;
  const framing = parts.framing === 'chunked' && minor === 0 ? 'none' : parts.framing;
  const body = framing === 'none' ? '' : parts.pieces.join('');
  const target = parts.path + (query === undefined ? '' : `?${query}`);
  const known: Field[] = [{ name: 'Host', value: host, before: ' ', after: '' }, ...parts.fields];
  const add = (name: string, value: string): void => void known.push({ name, value, before: ' ', after: '' });
  if (token !== undefined) add('Authorization', `Bearer ${token}`);
  if (connection !== undefined) add('Connection', connection);
  if (framing === 'length') add('Content-Length', String(body.length));
  if (framing === 'chunked') add('Transfer-Encoding', 'chunked');
  const chunks = parts.pieces
    .filter((piece) => piece !== '')
    .map((piece) => `${piece.length.toString(16)}${parts.extension}\r\n${piece}\r\n`)
    .join('');
  const end = framing === 'chunked' ? `0\r\n${parts.trailers.map(wireLine).join('')}\r\n` : '';
  const line = absolute === undefined ? target : `${absolute}://${host}${target}`;
  const keeps = /keep-alive/i.test(connection ?? '');
  return {
    wire: `${'\r\n'.repeat(parts.emptyLines)}${method} ${line} HTTP/1.${minor}\r\n${known.map(wireLine).join('')}\r\n${
      framing === 'chunked' ? chunks + end : body
    }`,
    message: {
      line: `${method} ${target} HTTP/1.${minor}`,
      fields: known.map(textLine).join('\n'),
      host,
      authorization: token === undefined ? undefined : `Bearer ${token}`,
      authorizations: token === undefined ? 0 : 1,
      framing:
        framing === 'length' && body !== ''
          ? `length ${body.length}`
          : framing === 'length'
            ? 'none'
            : framing,
      close: /close/i.test(connection ?? '') || (minor === 0 && !keeps),
      expectsContinue: false,
      targetScheme: absolute,
      body,
      trailers: framing === 'chunked' ? parts.trailers.map(textLine).join('\n') : '',
      complete: true,
    },
  };
}

const places = (cuts: readonly number[], length: number): number[] =>
  cuts.map((at) => at % (length + 1)).sort((left, right) => left - right);

const connection = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 3 }),
  /** Requests that are sent twice, so that the memo holds them. */
  twice: fc.boolean(),
  cuts: fc.array(fc.nat(2000), { maxLength: 8 }),
});

test('generated requests come through in order, however they are cut', () => {
  const player = new Player();
  fc.assert(
    fc.property(connection, ({ requests, twice, cuts }) => {
      const built = requests.map(build).flatMap((one) => (twice ? [one, one, one] : [one]));
      const bytes = Buffer.from(built.map(({ wire }) => wire).join(''), 'latin1');
      let end = 0;
      const messages = built.map(({ wire, message }) => {
        end += wire.length;
        return { ...message, end };
      });
      assert.deepEqual(player.play(cut(bytes, places(cuts, bytes.length))), {
        messages,
        fault: undefined,
        begun: false,
      });
    }),
    { numRuns: 1000 },
  );
});

test('llhttp reads generated requests in the same way', async () => {
  const player = new Player();
  await fc.assert(
    fc.asyncProperty(request, async (parts) => {
      const bytes = Buffer.from(build(parts).wire, 'latin1');
      await agree(bytes, player.play([bytes]));
    }),
    { numRuns: 500 },
  );
});

test('lines are those of fields', () => {
  assert.equal(linesOf(['a', 'b'], ['1', '2']), 'a: 1\nb: 2');
});
