import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemTimers } from '../../../src/lib/timers.ts';
import { Turn } from '../../../src/lib/turn.ts';
import { Connection } from '../../../src/upstream/h1/connection.ts';
import { SpareHeadReader } from '../../../src/upstream/h1/spare-head-reader.ts';
import { readBuffer } from '../../../src/upstream/read-buffer.ts';
import type { ResponseSink } from '../../../src/upstream/response-sink.ts';
import { type AttemptFailure, isUntaken } from '../../../src/upstream/retry.ts';
import { ServerState } from '../../../src/upstream/server-state.ts';

const request = { text: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', encoding: 'latin1' } as const;
const okResponse = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi';

/** A connection that has carried one exchange, and the server's side of it. */
async function reused(use: (connection: Connection, server: Socket) => Promise<void>): Promise<void> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  let reusable = (): void => {};
  const ready = new Promise<void>((resolve) => {
    reusable = resolve;
  });
  const state = new ServerState({ upstream: 'app', address: 'a:1' }, systemClock, systemTimers, () => {});
  const connection = new Connection({
    tls: undefined,
    address: { host: '127.0.0.1', port: (listener.address() as AddressInfo).port },
    times: { connect: 10, response: 10, idle: 10, stream: 10, keepAlive: 10 },
    depth: 2,
    single: false,
    headLimit: 4096,
    readBuffer: readBuffer(),
    turn: new Turn(),
    spareHeadReader: new SpareHeadReader(),
    owner: {
      tick: 0,
      state,
      onReusable: () => reusable(),
      onRoom() {},
      onRefusedResponse() {},
      onFailure() {},
      onClosed: () => {},
    },
  });
  try {
    connection.send('GET', request, false, { onResponse() {}, onFailure() {}, onUploadDrained() {} });
    const [server] = await accepted;
    await once(server, 'data');
    server.write(okResponse);
    await ready;
    await use(connection, server);
    server.destroy();
  } finally {
    connection.destroy();
    listener.close();
    await once(listener, 'close');
  }
}

test('a response that comes before its request was written is not taken for its response', async () => {
  await reused(async (connection, server) => {
    let received = '';
    server.on('data', (bytes) => {
      received += bytes.toString('latin1');
    });
    const closed = once(server, 'close');
    const failure = await new Promise<AttemptFailure>((resolve, reject) => {
      const onResponse = (): void => reject(new Error('the answer to nothing was delivered'));
      // An immediate runs after the next poll of the sockets, where the early response is ready.
      setImmediate(() => {
        server.write(okResponse);
        connection.send('POST', request, false, { onResponse, onFailure: resolve, onUploadDrained() {} });
      });
    });
    // Upstream has received nothing of it, so even a POST may use another connection.
    assert.deepEqual([failure.reason, failure.sent, isUntaken(failure)], ['upstream_reset', 'nothing', true]);
    await closed;
    assert.equal(received, '');
  });
});

test('bytes after a response do not answer a request that is yet to be written', async () => {
  await reused(async (connection, server) => {
    const closed = once(server, 'close');
    let hasResponse = false;
    const first: ResponseSink = {
      onResponse: (_head, _pieces, complete) => {
        hasResponse = complete;
      },
      onFailure: ({ reason }) => assert.fail(reason),
      onUploadDrained() {},
    };
    connection.send('GET', request, false, first);
    await once(server, 'data');
    const failure = await new Promise<AttemptFailure>((resolve, reject) => {
      const onResponse = (): void => reject(new Error('the answer to nothing was delivered'));
      // As above: both responses are read before the second request is written.
      setImmediate(() => {
        server.write(`${okResponse}${okResponse}`);
        assert.ok(connection.hasRoom);
        connection.send('GET', request, false, { onResponse, onFailure: resolve, onUploadDrained() {} });
      });
    });
    assert.deepEqual([failure.reason, failure.sent, isUntaken(failure)], ['upstream_reset', 'nothing', true]);
    assert.ok(hasResponse);
    await closed;
  });
});

test('a request whose client leaves in the same turn is not written', async () => {
  await reused(async (connection, server) => {
    let received = '';
    server.on('data', (bytes) => {
      received += bytes.toString('latin1');
    });
    const closed = once(server, 'close');
    connection.send('GET', request, false, { onResponse() {}, onFailure() {}, onUploadDrained() {} });
    connection.destroy();
    await closed;
    assert.equal(received, '');
  });
});
