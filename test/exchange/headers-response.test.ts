import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { request, Wire, type WireResponse } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;
/** The next bytes of upstream. */
let nextResponse = '';

publicGateway('once', (made) => {
  ({ origin, gateway } = made);
  origin.serve(() => nextResponse);
});

async function carry(status: string, lines: readonly string[]): Promise<WireResponse> {
  nextResponse = `${[`HTTP/1.1 ${status}`, ...lines, 'Content-Length: 2'].join('\r\n')}\r\n\r\nok`;
  return await request(gateway.port, 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
}

/** Header lines of a response without those that the gateway writes. */
const linesOf = (response: WireResponse): string[] =>
  response.fields
    .filter(([name]) => !['date', 'content-length'].includes(name.toLowerCase()))
    .map((field) => field.join(': '));

describe('headers of a response', () => {
  test('many Set-Cookie stay separate lines, in their order', async () => {
    const cookies = Array.from(
      { length: 20 },
      (_, at) => `Set-Cookie: c${at}=a, b; Expires=Thu, 01 Jan 2026`,
    );
    const mixed = cookies.flatMap((line, at) => (at % 5 === 0 ? [line, `X-${at}: 1`] : [line]));
    assert.deepEqual(linesOf(await carry('200 OK', mixed)), mixed);
  });

  test('hop-by-hop ones are removed in any case, also when Connection names them twice', async () => {
    const lines = [
      'X-Hop: 1',
      'CONNECTION: x-hop',
      'KEEP-ALIVE: timeout=5',
      'proxy-connection: close',
      'tRAILER: X-T',
      'Connection: X-Hop, keep-alive, Upgrade',
      'Upgrade: h2c',
      'x-hop: 2',
      'X-Hopper: 3',
    ];
    assert.deepEqual(linesOf(await carry('200 OK', lines)), ['X-Hopper: 3']);
  });

  test('Connection cannot remove Date, the length or Set-Cookie of others', async () => {
    const response = await carry('200 OK', [
      'Connection: date, content-length, x-a',
      'Set-Cookie: a=1',
      'X-A: 1',
    ]);
    assert.deepEqual(linesOf(response), ['Set-Cookie: a=1']);
    assert.equal(response.headers.get('content-length'), '2');
    assert.equal(response.fields.filter(([name]) => name.toLowerCase() === 'date').length, 1);
  });
});

describe('no line break of upstream becomes one of the gateway', () => {
  for (const [name, bytes] of [
    ['CR', '\r'],
    ['LF', '\n'],
    ['NUL', '\0'],
    ['CR CR', '\r\r'],
    ['LF CR', '\n\r'],
    ['CRLF SP', '\r\n '],
    ['VT', '\x0b'],
    ['DEL', '\x7f'],
  ] as const) {
    for (const [place, status, line] of [
      ['a value', '200 OK', `X-A: 1${bytes}X-Admin: 1`],
      ['an empty value', '200 OK', `X-A:${bytes}X-Admin: 1`],
      ['a name', '200 OK', `X-A${bytes}X-Admin: 1`],
      ['the status text', `200 OK${bytes}X-Admin: 1`, 'X-A: 1'],
      ['the status code', `200${bytes}X-Admin: 1`, 'X-A: 1'],
    ] as const) {
      test(`${name} in ${place}: 502`, async () => {
        const response = await carry(status, [line]);
        assert.equal(response.status, 502);
        assert.equal(JSON.parse(response.body).code, 'upstream_invalid_response');
        assert.equal(response.raw.toLowerCase().includes('x-admin'), false);
      });
    }
  }

  test('any bytes that upstream sends give its lines or a refusal', async () => {
    const byte = fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom(...'aZ09-:;,="\'()<> \t/?\\%_') },
      { weight: 8, arbitrary: fc.integer({ min: 0x80, max: 0xff }).map((code) => String.fromCharCode(code)) },
      { weight: 1, arbitrary: fc.constantFrom('\r', '\n', '\0', '\x1b', '\x7f') },
    );
    // A whole line break ends upstream's own line, and perhaps its head.
    const text = fc.string({ unit: byte, maxLength: 12 }).filter((value) => !value.includes('\r\n'));
    const name = fc.string({
      unit: fc.constantFrom(..."abYZ09-_.!#$%&'*+^`|~"),
      minLength: 1,
      maxLength: 12,
    });
    let carried = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.tuple(name, text), { maxLength: 6 }), async (reason, fields) => {
        const lines = fields.map(([key, value]) => `X-${key}:${value}`);
        const response = await carry(`299 ${reason}`, lines);
        const clean = ![reason, ...fields.map(([, value]) => value)].some((part) =>
          /[^\t\x20-\x7e\x80-\xff]/.test(part),
        );
        assert.equal(response.status, clean ? 299 : 502);
        if (!clean) {
          refused += 1;
          return;
        }
        carried += 1;
        const head = response.raw.slice(0, response.raw.indexOf('\r\n\r\n')).split('\r\n');
        assert.equal(head[0], `HTTP/1.1 299 ${reason}`);
        const theirs = head.slice(1).filter((line) => line.startsWith('X-'));
        assert.deepEqual(
          theirs,
          fields.map(([key, value]) => `X-${key}: ${value.replace(/^[\t ]+|[\t ]+$/g, '')}`),
        );
        assert.equal(head.length, theirs.length + 3, 'and besides only status, Date and length');
      }),
      { numRuns: 200 },
    );
    assert.ok(carried > 20 && refused > 20, `${carried} carried, ${refused} refused`);
  });
});

describe('a head of upstream without end', () => {
  for (const [name, piece] of [
    ['one value', 'a'.repeat(4096)],
    ['many lines', `\r\nX-A: ${'a'.repeat(4089)}`],
    ['many short lines', '\r\nX: 1'.repeat(256)],
  ] as const) {
    test(`${name}: 502, and its connection ends`, async () => {
      const mute = await Origin.start();
      const other = await startGateway({ upstreamPort: mute.port, routes: [{ auth: 'none' }] });
      const wire = await Wire.open(other.port);
      try {
        wire.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
        const connection = await mute.connection();
        await connection.head();
        connection.write('HTTP/1.1 200 OK\r\nX-Long: ');
        const wanted = wire.response();
        // The limits are 64 KiB and 256 header fields.
        for (let written = 0; written <= 64 * 1024; written += piece.length) connection.write(piece);
        const response = await wanted;
        assert.equal(response.status, 502);
        assert.equal(JSON.parse(response.body).code, 'upstream_invalid_response');
        await connection.closed();
        assert.deepEqual(await other.outcomes(), { upstream_invalid_response: 1 });
      } finally {
        wire.close();
        await other.close();
        await mute.close();
      }
    });
  }
});
