import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Server } from '../../src/gateway/server.ts';
import type { RequestHead } from '../../src/http/message.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { eventually, silentLog, type TestOptions, testBearer, testConfig } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { ScriptedFront, type ScriptedStream } from '../support/scripted-front.ts';

let origin: Origin;
let front: ScriptedFront;
let server: Server;

async function serve(options: Partial<TestOptions> = {}): Promise<void> {
  const config = testConfig({ upstreamPort: origin.port, ...options });
  server = new Server(config, {
    log: options.log ?? silentLog,
    clock: systemClock,
    refetch: () => undefined,
    revocations: undefined,
    onServer() {},
    shared: false,
    makeFront: (its) => {
      front = new ScriptedFront(its);
      return front;
    },
  });
  await server.open();
  await server.listen();
}

/** A request with an accepted token. */
function request(changes: Partial<RequestHead> = {}): ScriptedStream {
  return front.request({ authorization: testBearer(), authorizationCount: 1, ...changes });
}

async function whole(stream: ScriptedStream): Promise<void> {
  await eventually(
    () => stream.complete,
    (complete) => complete,
  );
}

beforeEach(async () => {
  origin = await Origin.start();
});

afterEach(async () => {
  await server.close(0);
  await origin.close();
});

describe('a server on a front that has no sockets', () => {
  test('answers a request without a token itself', async () => {
    await serve();
    const stream = front.request();
    assert.deepEqual([stream.status, stream.complete], [401, true]);
    assert.match(stream.body, /"code":"token_missing"/);
  });

  test('carries a request to upstream, and the response back in pieces', async () => {
    await serve();
    const stream = request();
    const upstream = await origin.connection();
    assert.match(await upstream.head(), /^GET \/x HTTP\/1\.1\r\n[\s\S]*x-forwarded-for: 192\.0\.2\.1\r\n/);
    upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n');
    await eventually(
      () => stream.body,
      (body) => body === 'one',
    );
    assert.deepEqual([stream.status, stream.complete], [200, false]);
    upstream.write('3\r\ntwo\r\n0\r\n\r\n');
    await whole(stream);
    assert.equal(stream.body, 'onetwo');
  });

  test('carries a request body, framed anew', async () => {
    await serve();
    const stream = request({ method: 'POST', framing: 'chunked' });
    stream.receive(Buffer.from('hello'), false);
    stream.receive(Buffer.from(' world'), true);
    const upstream = await origin.connection();
    const sent = await upstream.take((text) => text.endsWith('0\r\n\r\n'));
    assert.ok(sent.endsWith('\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'));
    upstream.write('HTTP/1.1 204 No Content\r\n\r\n');
    await whole(stream);
    assert.equal(stream.status, 204);
  });

  test('pauses a client that sends faster than upstream reads, and ends with it', async () => {
    await serve({ config: { limits: { requestBody: 1_000_000 } } });
    const stream = request({ method: 'POST', framing: 'length', contentLength: 500_000 });
    stream.receive(Buffer.alloc(100_000), false);
    assert.deepEqual([stream.pausing, stream.calls()], [true, ['pause']]);
    const upstream = await origin.connection();
    await upstream.take((text) => text.length >= 100_000);
    await eventually(
      () => stream.pausing,
      (pausing) => !pausing,
    );
    stream.leave();
    await upstream.closed();
  });

  test('replies as long as no byte of the response has left, and cuts it otherwise', async () => {
    await serve();
    const early = request();
    const first = await origin.connection();
    await first.head();
    first.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
    first.socket.end();
    await whole(early);
    assert.equal(early.status, 502);
    const late = request();
    const second = await origin.connection();
    await second.head();
    second.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart');
    await eventually(
      () => late.body,
      (body) => body === 'part',
    );
    second.socket.end();
    await eventually(
      () => late.calls().includes('abort'),
      (isCut) => isCut,
    );
    assert.deepEqual([late.status, late.complete], [200, false]);
  });

  test('gives up a client that takes nothing for too long', async () => {
    await serve();
    const stream = request();
    const upstream = await origin.connection();
    await upstream.head();
    stream.stuck = true;
    await eventually(
      () => stream.calls(),
      (calls) => calls.includes('abort'),
    );
    await upstream.closed();
  });

  test('leaves the draining of connections to its front', async () => {
    await serve();
    const stream = request();
    const upstream = await origin.connection();
    await upstream.head();
    const closed = server.close(60_000);
    assert.deepEqual([front.draining, front.isStopped, front.isClosed], [true, true, false]);
    upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    assert.equal(await closed, 0);
    assert.deepEqual([stream.status, front.isClosed], [200, true]);
  });
});

test('does not count a head alone as a response: its client leaves without a status in the log', async () => {
  const texts: string[] = [];
  await serve({
    routes: [{ auth: 'none' }],
    config: { log: { level: 'info', access: 1 } },
    log: createLog({ level: 'info', destination: { write: (text) => texts.push(text) } }),
  });
  const stream = front.request();
  const upstream = await origin.connection();
  await upstream.head();
  upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
  await eventually(
    () => stream.begun,
    (begun) => begun,
  );
  assert.equal(stream.started, false);
  stream.leave();
  await upstream.closed();
  const lines = texts.map((text) => JSON.parse(text));
  assert.deepEqual(
    lines.map(({ outcome, status }) => [outcome, status]),
    [['client_aborted', null]],
  );
});
