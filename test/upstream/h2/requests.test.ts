import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { eventually } from '../../support/gateway.ts';
import { TestPool } from './asking.ts';

interface Seen {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly raw: readonly string[];
  body: string;
  ended: boolean;
  trailers: IncomingHttpHeaders | undefined;
}

let server: Http2Server;
let app: TestPool;
let seen: Seen[];

beforeEach(async () => {
  seen = [];
  server = createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _: number, raw: string[]) => {
    const one: Seen = {
      stream,
      headers,
      raw,
      body: '',
      ended: false,
      trailers: undefined,
    };
    seen.push(one);
    stream.on('error', () => {});
    stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      one.trailers = trailers;
    });
    stream.on('data', (data: Buffer) => {
      one.body += data;
    });
    stream.on('end', () => {
      one.ended = true;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  app = new TestPool((server.address() as AddressInfo).port);
});
afterEach(() => {
  app.pool.close();
  server.close();
});

const first = async (): Promise<Seen> => {
  await eventually(
    () => seen.length,
    (count) => count > 0,
  );
  return seen[0] as Seen;
};

describe('a request by HTTP/2', () => {
  test('has the fields that the writer has left, and no other', async () => {
    const lines = [
      'host: a.example:81',
      'authorization: Bearer x',
      'X-User-Id: 7',
      'cookie: a=1',
      'cookie: b=2',
      'accept: text/html',
      'accept: */*',
      'user-agent: one',
      'user-agent: two',
      '__proto__: 1',
      'content-length: 0',
    ];
    app.ask('PUT', false, `${lines.join('\r\n')}\r\n`, '/a?b=c d'.replace(' ', '%20'));
    const { raw, ended } = await first();
    const fields = Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at], raw[2 * at + 1]]);
    assert.deepEqual(fields, [
      [':method', 'PUT'],
      [':scheme', 'http'],
      [':authority', 'a.example:81'],
      [':path', '/a?b=c%20d'],
      ['authorization', 'Bearer x'],
      ['x-user-id', '7'],
      ['cookie', 'a=1; b=2'],
      ['accept', 'text/html, */*'],
      ['user-agent', 'one, two'],
      ['__proto__', '1'],
      ['content-length', '0'],
    ]);
    assert.equal(ended, true);
  });

  test('keeps the bytes of its values', async () => {
    const heard = app.pool.dial(false);
    const sink = { onResponse() {}, onFailure() {}, onUploadDrained() {} };
    heard.send('GET', { text: 'GET / HTTP/1.1\r\nhost: a\r\nx-a: ü\r\n\r\n', encoding: 'utf8' }, false, sink);
    const { headers } = await first();
    assert.equal(Buffer.from(headers['x-a'] as string, 'latin1').toString(), 'ü');
  });

  test('names trailers where its client takes them', async () => {
    const sink = { onResponse() {}, onFailure() {}, onUploadDrained() {} };
    const text = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
    app.pool.dial(false).send('GET', { text, encoding: 'latin1', takesTrailers: true }, false, sink);
    assert.equal((await first()).headers['te'], 'trailers');
  });

  test('carries a body that comes before the session is open, and its trailers', async () => {
    const { stream } = app.ask('POST', true, 'host: a\r\ntransfer-encoding: chunked\r\n');
    assert.equal(stream.upload(Buffer.from('one ')), false);
    stream.upload(Buffer.from('two'));
    stream.endUpload('x-sum: 42\r\nX-B: 1\r\n');
    const one = await first();
    await eventually(() => one.ended && one.trailers !== undefined, Boolean);
    assert.equal(one.body, 'one two');
    assert.deepEqual([one.trailers?.['x-sum'], one.trailers?.['x-b']], ['42', '1']);
    assert.equal(one.headers['transfer-encoding'], undefined);
  });

  test('stops the client while the server takes nothing', async () => {
    const heard = app.ask('POST', true);
    const one = await first();
    one.stream.pause();
    const piece = Buffer.alloc(16 * 1024, 'x');
    let sent = 0;
    for (let quiet = 0; quiet < 20; quiet += 1) {
      while (heard.stream.upload(piece)) sent += 1;
      sent += 1;
      const { drained } = heard;
      for (let waits = 0; waits < 50 && heard.drained === drained; waits += 1) await setTimeout(2);
      if (heard.drained === drained) break;
    }
    assert.ok(sent < 30, 'the windows of the server are full');
    const { drained } = heard;
    assert.equal(heard.stream.keepsUpload, true);
    one.stream.resume();
    await eventually(
      () => heard.drained,
      (count) => count > drained,
    );
    heard.stream.endUpload('');
    await eventually(() => one.ended, Boolean);
    assert.equal(one.body.length, sent * piece.length);
  });

  test('goes on behind its response where the sink wants it', async () => {
    const heard = app.ask('POST', true);
    heard.goesOn = true;
    const one = await first();
    one.stream.respond({ ':status': 200 }, { endStream: true });
    await heard.end();
    assert.equal(heard.stream.outlasted, true);
    heard.stream.upload(Buffer.from('rest'));
    heard.stream.endUpload('');
    assert.equal(heard.uploadOver, true);
    await eventually(() => one.ended, Boolean);
    assert.equal(one.body, 'rest');
    await eventually(
      () => app.pool.idle,
      (idle) => idle === 1,
    );
  });

  test('is reset behind its response where the sink does not', async () => {
    const heard = app.ask('POST', true);
    const one = await first();
    one.stream.respond({ ':status': 200 }, { endStream: true });
    await heard.end();
    await eventually(() => one.stream.closed, Boolean);
    assert.equal(one.stream.rstCode, 8);
    await eventually(
      () => app.pool.idle,
      (idle) => idle === 1,
    );
  });

  test('bounds what a slow client makes the server send', async () => {
    const heard = app.ask();
    const one = await first();
    heard.stream.pause();
    one.stream.respond({ ':status': 200 });
    const whole = Buffer.alloc(4 * 1024 * 1024, 'y');
    one.stream.end(whole);
    const other = app.ask();
    await eventually(
      () => seen.length,
      (count) => count === 2,
    );
    seen[1]?.stream.respond({ ':status': 204 }, { endStream: true });
    await other.end();
    assert.ok(one.stream.writableLength > 0, 'the server waits');
    assert.equal(heard.head, undefined);
    heard.stream.resume();
    await heard.end();
    assert.equal(heard.body.length, whole.length);
  });
});
