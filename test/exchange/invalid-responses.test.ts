import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { byEngine } from '../support/engine.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

/** The counts before the test. */
let counted: Record<string, number>;

before(async () => {
  origin = await Origin.start();
  gateway = await startGateway({ upstreamPort: origin.port, routes: [{ auth: 'none' }] });
});

beforeEach(async () => {
  counted = await gateway.outcomes();
});

// No connection is left for the next test.
afterEach(() => eventually(() => gateway.connections(), isEmpty));

after(async () => {
  await gateway.close();
  await origin.close();
});

const isEmpty = (seen: Record<string, number>): boolean => Object.keys(seen).length === 0;

/** The only exchange since the test began ended with this outcome. */
async function counts(outcome: string): Promise<void> {
  assert.deepEqual(await gateway.outcomes(), { ...counted, [outcome]: (counted[outcome] ?? 0) + 1 });
}

const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** Stands in every part of a response that must not reach the client. */
const poison = 'X-Poison: 1\r\n';
const startOf = (...lines: string[]): string => ['HTTP/1.1 200 OK', ...lines, poison].join('\r\n');

async function asked(method = 'GET'): Promise<[Wire, OriginConnection]> {
  const wire = await Wire.open(gateway.port);
  wire.send(get.replace('GET', method));
  const upstream = await origin.connection();
  await upstream.head();
  return [wire, upstream];
}

/** The connection is closed, and the next request gets a good response on another one. */
async function usesAnother(upstream: OriginConnection, wire: Wire): Promise<void> {
  await upstream.closed();
  await eventually(() => gateway.connections(), isEmpty);
  wire.send(get);
  const next = await origin.connection();
  await next.head();
  next.write(ok);
  const response = await wire.response();
  assert.deepEqual([response.status, response.body, response.headers.has('x-poison')], [200, 'ok', false]);
  wire.close();
  next.socket.end();
}

const responses: readonly (readonly [name: string, bytes: string, method?: string])[] = [
  ['HTTP/0.9', `<html>${poison}`],
  ['HTTP/2 frames', `\0\0\x12\x04\0\0\0\0\0${poison}`],
  ['status 1000', `HTTP/1.1 1000 OK\r\n${poison}\r\n`],
  ['a bare LF behind the status line', `HTTP/1.1 200 OK\n${poison}\r\n`],
  ['a bare LF behind a value', `HTTP/1.1 200 OK\r\nA: 1\n${poison}\r\n`],
  ['a bare CR in a value', `HTTP/1.1 200 OK\r\nA: 1\r${poison}\r\n`],
  ['an obs-fold', `${startOf('A: 1')} ${poison}\r\n`],
  ['a space before the colon', `${startOf('A : 1')}\r\n`],
  ['NUL in a value', `${startOf('A: 1\0')}\r\n`],
  ['two lengths', `${startOf('Content-Length: 2', 'Content-Length: 3')}\r\n${poison}`],
  ['a length with a sign', `${startOf('Content-Length: +2')}\r\n${poison}`],
  ['length and chunked', `${startOf('Content-Length: 2', 'Transfer-Encoding: chunked')}\r\n0\r\n\r\n`],
  ['two codings', `${startOf('Transfer-Encoding: gzip, chunked')}\r\n0\r\n\r\n`],
  ['chunked in HTTP/1.0', `${startOf('Transfer-Encoding: chunked').replace('1.1', '1.0')}\r\n0\r\n\r\n`],
  ['101 that was not asked for', `HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n${poison}\r\n`],
  ['100 followed by garbage', `HTTP/1.1 100 Continue\r\n\r\n${poison}`],
  ['interim answers above the head limit', `HTTP/1.1 103 Hints\r\n${poison}\r\n`.repeat(2000) + ok],
  ['100 with a length', `HTTP/1.1 100 Go\r\nContent-Length: 20\r\n${poison}\r\n`],
  ['a head above the limit', `${startOf(`A: ${'x'.repeat(65_536)}`)}\r\n`],
  ['length and chunked to HEAD', `${startOf('Content-Length: 2', 'Transfer-Encoding: chunked')}\r\n`, 'HEAD'],
  [
    'a chunk size that is none, with the head',
    `${startOf('Transfer-Encoding: chunked')}\r\n0x2\r\n${poison}`,
  ],
];

describe('an invalid response of which nothing was sent is 502 upstream_invalid_response', () => {
  for (const [name, bytes, method = 'GET'] of responses) {
    test(name, async () => {
      const [wire, upstream] = await asked(method);
      upstream.write(bytes);
      const response = await wire.response({ toHead: method === 'HEAD' });
      assert.equal(response.status, 502);
      if (method !== 'HEAD') assert.equal(JSON.parse(response.body).code, 'upstream_invalid_response');
      // Trailers are a part of the response, where the engine carries them.
      const isCarried = name === 'with trailers' && byEngine('trailers', { uws: false, node: true });
      assert.equal(/poison/i.test(response.raw), isCarried);
      assert.doesNotMatch(wire.pending, /poison/i);
      await counts('upstream_invalid_response');
      await usesAnother(upstream, wire);
    });
  }
});

describe('a response that becomes invalid in its body cuts the client connection', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n';
  for (const [name, bytes] of [
    ['a chunk size that is none', `0x5\r\n${poison}`],
    ['a chunk size of 2^64', `10000000000000000\r\n${poison}`],
    ['a negative chunk size', `-1\r\n${poison}`],
    ['a bare LF behind the chunk size', `9\n${poison}`],
    ['CRLF inside a quoted extension', `9;a="\n${poison}"\r\n`],
    ['an answer in place of a chunk', `HTTP/1.1 200 OK\r\n${poison}\r\n`],
    ['a trailer without a colon', `0\r\nA\r\n${poison}\r\n`],
    ['a continued trailer', `0\r\nA: 1\r\n ${poison}\r\n`],
    ['a bare LF behind the last chunk', `0\r\n\n${poison}`],
    ['trailers above the limit', `0\r\n${poison.repeat(250)}A: ${'x'.repeat(65_536)}`],
  ] as const) {
    test(name, async () => {
      const [wire, upstream] = await asked();
      upstream.write(chunked);
      await eventually(
        () => wire.pending,
        (text) => text.includes('hello'),
      );
      upstream.write(bytes);
      const received = await wire.untilClosed();
      assert.match(received, /^HTTP\/1\.1 200 OK\r\n/);
      assert.doesNotMatch(received, /\r\n0\r\n\r\n$/, 'the body must not look whole');
      assert.doesNotMatch(received, /poison/i);
      await counts('upstream_invalid_response');
      wire.close();
      await usesAnother(upstream, await Wire.open(gateway.port));
    });
  }
});

describe('bytes after a whole response', () => {
  for (const [name, bytes, method = 'GET'] of [
    ['of fixed length', `${ok}HTTP/1.1 200 OK\r\n${poison}\r\n`],
    ['to HEAD', `HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n${poison}`, 'HEAD'],
    ['of 204 with a length', `HTTP/1.1 204 No\r\nContent-Length: 13\r\n\r\n${poison}`],
    ['without a body', `HTTP/1.1 304 Not Modified\r\nContent-Length: 13\r\n\r\n${poison}`],
    ['of chunks', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${poison}`],
    ['with trailers', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${poison}\r\n`],
  ] as const) {
    test(`${name} reach no client`, async () => {
      const [wire, upstream] = await asked(method);
      upstream.write(bytes);
      const response = await wire.response({ toHead: method === 'HEAD' });
      assert.match(String(response.status), /200|204|304/);
      // Trailers are a part of the response, where the engine carries them.
      const isCarried = name === 'with trailers' && byEngine('trailers', { uws: false, node: true });
      assert.equal(/poison/i.test(response.raw), isCarried);
      assert.doesNotMatch(wire.pending, /poison/i);
      await counts('forwarded');
      if (name === 'with trailers') {
        wire.close();
        upstream.socket.end();
      } else await usesAnother(upstream, wire);
    });
  }
});
