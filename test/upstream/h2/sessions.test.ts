import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { frame, settings, types, uint32 } from '../../front/node/h2/frames.ts';
import { eventually } from '../../support/gateway.ts';
import { TestPool } from './asking.ts';
import { body, END_HEADERS, END_STREAM, FrameServer, head } from './frame-server.ts';

const NO_ERROR = 0;
const REFUSED_STREAM = 7;
const CANCEL = 8;
const MAX_CONCURRENT_STREAMS = 3;

let server: FrameServer;
let app: TestPool;

async function start(first?: Buffer, options?: ConstructorParameters<typeof TestPool>[1]): Promise<void> {
  server = await FrameServer.start(first);
  app = new TestPool(server.port, options);
}

afterEach(async () => {
  app.pool.close();
  await server.close();
});

const reset = (stream: number, code: number): Buffer => frame(types.reset, 0, stream, uint32(code));
const goaway = (last: number, code = NO_ERROR): Buffer =>
  frame(types.goaway, 0, 0, Buffer.concat([uint32(last), uint32(code)]));
const empty = (stream: number): Buffer => head(stream, [[':status', '204']], END_HEADERS | END_STREAM);

describe('a session with a server', () => {
  beforeEach(() => start());

  test('carries the requests of many clients, and stays for the next', async () => {
    const all = Array.from({ length: 5 }, () => app.ask());
    assert.deepEqual(await server.requests(5), [1, 3, 5, 7, 9]);
    assert.deepEqual(app.pool.count(), { idle: 0, busy: 1, connecting: 0 });
    assert.equal(app.pool.load, 5);
    for (const stream of [9, 1, 5, 3, 7]) server.send(empty(stream));
    for (const heard of all) await heard.end();
    await eventually(
      () => app.pool.load,
      (load) => load === 0,
    );
    assert.deepEqual(app.pool.count(), { idle: 1, busy: 0, connecting: 0 });
    assert.ok(app.rooms > 0, 'the upstream hears of room');
    app.ask();
    await server.requests(6);
    assert.equal(server.sockets.length, 1);
  });

  test('sends no request before the server has shown that it speaks HTTP/2', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const other = new TestPool((silent.address() as AddressInfo).port);
    const heard = other.ask();
    const [socket] = await once(silent, 'connection');
    socket.on('error', () => {});
    await once(socket, 'data');
    other.pass(52);
    const { reason, cause, sent } = await heard.fails();
    assert.deepEqual([reason, cause, sent], ['upstream_unreachable', 'timeout', 'nothing']);
    assert.equal(other.pool.size, 0);
    other.pool.close();
    silent.close();
    socket.destroy();
  });

  test('is not made with a server of HTTP/1.1', async () => {
    const old = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
    });
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
    const other = new TestPool((old.address() as AddressInfo).port);
    const { reason, cause, sent } = await other.ask().fails();
    assert.deepEqual([reason, cause, sent], ['upstream_unreachable', 'no_http2', 'nothing']);
    assert.equal(other.pool.state.report.state, 'down');
    other.pool.close();
    old.close();
  });

  test('is not made where nothing listens', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    const other = new TestPool(port);
    const heard = [other.ask(), other.ask()];
    for (const one of heard) {
      const { reason, cause } = await one.fails();
      assert.deepEqual([reason, cause], ['upstream_unreachable', 'refused']);
    }
    assert.equal(other.pool.state.report.failed, 1, 'one failure, however many requests waited');
    assert.ok(other.pool.state.wantsProbe);
  });

  test('gives requests that GOAWAY leaves out another attempt, and finishes the others', async () => {
    const kept = app.ask();
    const left = app.ask();
    const withBody = app.ask('POST', true);
    withBody.stream.upload(Buffer.from('gone'));
    await server.requests(3);
    server.send(goaway(1));
    const failure = await left.fails();
    assert.deepEqual([failure.reason, failure.sent], ['upstream_reset', 'nothing']);
    assert.equal((await withBody.fails()).sent, 'part', 'its body is not kept');
    assert.equal(app.pool.hasRoom, false);
    assert.equal(app.pool.state.report.failed, 0, 'the server is well');
    const next = app.ask();
    await server.requests(4);
    assert.equal(server.sockets.length, 2);
    server.send(empty(1));
    await next.end();
    server.sockets[0]?.write(Buffer.concat([head(1, [[':status', '200']]), body(1, 'late', true)]));
    await kept.end();
    assert.equal(kept.body, 'late');
    await eventually(
      () => app.pool.size,
      (size) => size === 1,
    );
  });

  test('that GOAWAY ends with an error fails the requests that the server has begun', async () => {
    const begun = app.ask('POST', true);
    const left = app.ask('POST', true);
    await server.requests(2);
    server.send(goaway(1, 2));
    const failure = await begun.fails();
    assert.deepEqual([failure.reason, failure.sent], ['upstream_reset', 'part']);
    assert.equal((await left.fails()).sent, 'nothing');
    assert.equal(app.pool.size, 0);
  });

  test('gives a refused request another attempt', async () => {
    const heard = app.ask();
    await server.requests(1);
    server.send(reset(1, REFUSED_STREAM));
    const { reason, sent } = await heard.fails();
    assert.deepEqual([reason, sent], ['upstream_reset', 'nothing']);
    assert.equal(app.pool.size, 1);
  });

  test('that breaks counts as one failure of its server', async () => {
    const all = Array.from({ length: 4 }, () => app.ask('POST', true));
    await server.requests(4);
    server.sockets[0]?.resetAndDestroy();
    for (const heard of all) assert.equal((await heard.fails()).reason, 'upstream_reset');
    assert.equal(app.pool.state.report.failed, 1);
    assert.equal(app.pool.state.report.state, 'untried');
  });

  test('resets a request that its client gives up', async () => {
    const heard = app.ask();
    await server.requests(1);
    heard.stream.abandon(heard);
    assert.equal(await server.resetOf(1), CANCEL);
    await eventually(
      () => app.pool.load,
      (load) => load === 0,
    );
    assert.equal(app.pool.size, 1);
    assert.equal(heard.failure, undefined);
  });

  test('sends no request that is given up before the session is open', async () => {
    const heard = app.ask();
    heard.stream.abandon(heard);
    const next = app.ask();
    await server.requests(1);
    server.send(empty(1));
    await next.end();
    assert.equal(server.frames.filter(({ type }) => type === types.headers).length, 1);
  });

  test('whose server does not answer a ping behind a time-out ends', async () => {
    server.pings = false;
    const late = app.ask();
    await server.requests(1);
    app.pass(590);
    const other = app.ask();
    await server.requests(2);
    app.pass(12);
    assert.equal((await late.fails()).reason, 'upstream_timeout');
    assert.equal(await server.resetOf(1), CANCEL);
    assert.equal(app.pool.hasRoom, false, 'no request waits for the same');
    app.pass(52);
    assert.equal((await other.fails()).reason, 'upstream_timeout');
    assert.equal(app.pool.size, 0);
  });

  test('whose server answers the ping goes on', async () => {
    const late = app.ask();
    await server.requests(1);
    app.pass(602);
    assert.equal((await late.fails()).reason, 'upstream_timeout');
    await eventually(() => app.pool.hasRoom, Boolean);
    app.pass(60);
    assert.equal(app.pool.size, 1);
  });

  test('without a request ends after its time', async () => {
    const heard = app.ask();
    await server.requests(1);
    server.send(empty(1));
    await heard.end();
    await eventually(
      () => app.pool.idle,
      (idle) => idle === 1,
    );
    app.pass(599);
    assert.equal(app.pool.size, 1);
    app.pass(3);
    assert.equal(app.pool.size, 0);
    await eventually(() => server.sockets[0]?.destroyed, Boolean);
  });

  test('ends with its last request while the pool drains', async () => {
    const heard = app.ask();
    await server.requests(1);
    app.pool.drain();
    assert.equal(app.pool.size, 1);
    server.send(empty(1));
    await heard.end();
    await eventually(
      () => app.pool.size,
      (size) => size === 0,
    );
  });

  test('of a probe ends once it is open', async () => {
    assert.equal(app.pool.probe(), true);
    assert.equal(app.pool.probe(), false, 'not twice in a moment');
    await eventually(
      () => app.closed,
      (closed) => closed === 1,
    );
    assert.equal(server.frames.filter(({ type }) => type === types.headers).length, 0);
  });
});

test('a session carries no more streams than its server allows, and hears of other limits', async () => {
  await start(settings([MAX_CONCURRENT_STREAMS, 2]));
  const first = app.ask();
  await server.requests(1);
  app.ask();
  await server.requests(2);
  assert.equal(app.pool.hasRoom, false);
  app.ask();
  await eventually(
    () => server.sockets.length,
    (count) => count === 2,
  );
  const { rooms } = app;
  server.sockets[0]?.write(settings([MAX_CONCURRENT_STREAMS, 3]));
  await eventually(
    () => app.rooms,
    (seen) => seen > rooms,
  );
  server.sockets[0]?.write(empty(1));
  await first.end();
});

test('a session carries a hundred streams at most', async () => {
  await start();
  for (let count = 0; count < 100; count += 1) app.ask();
  assert.equal(app.pool.hasRoom, false);
  assert.equal(app.pool.size, 1);
  await server.requests(100);
  assert.equal(app.pool.hasRoom, false);
});

test('without reuse each request has a session of its own', async () => {
  await start(undefined, { reuse: false });
  const all = [app.ask(), app.ask()];
  await eventually(
    () => server.sockets.length,
    (count) => count === 2,
  );
  await server.requests(2);
  for (const socket of server.sockets) socket.write(empty(1));
  for (const heard of all) await heard.end();
  await eventually(
    () => app.pool.size,
    (size) => size === 0,
  );
  await turn();
});
