import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { overTls, testEngine } from '../support/engine.ts';
import {
  eventually,
  inFlight,
  startGateway,
  type TestGateway,
  type TestOptions,
} from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';
import { chunk, eventHead, unchunked } from './event-wire.ts';

let origin: Origin;
let gateway: TestGateway;

beforeEach(async () => {
  origin = await Origin.start();
});
afterEach(async () => {
  await gateway.close();
  await origin.close();
});

interface Stream {
  readonly client: Wire;
  readonly upstream: OriginConnection;
  /** The head of the request as upstream got it. */
  readonly head: string;
}

/** A request whose response is an event stream with one event. */
async function open(fields = '', head = eventHead): Promise<Stream> {
  const client = await Wire.open(gateway.port);
  client.send(`GET /events HTTP/1.1\r\nHost: a\r\nAuthorization: ${gateway.bearer()}\r\n${fields}\r\n`);
  const upstream = await origin.connection();
  const seen = await upstream.head();
  upstream.write(`${head}${chunk('data: 0\n\n')}`);
  await client.pendingIs((text) => unchunked(text) === 'data: 0\n\n');
  return { client, upstream, head: seen };
}

async function start(options: Partial<TestOptions> = {}): Promise<void> {
  gateway = await startGateway({ upstreamPort: origin.port, ...options });
}

describe('an event stream', () => {
  test('reaches the client event by event, and asks for no second one', async () => {
    await start();
    const { client, upstream, head } = await open('Accept: text/event-stream\r\nLast-Event-ID: 41\r\n');
    assert.match(head, /\r\nlast-event-id: 41\r\n/i);
    assert.match(client.pending, /\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\n/);
    let sent = 'data: 0\n\n';
    for (let count = 1; count <= 20; count += 1) {
      // The next one leaves only when the client has this one.
      sent += `id: ${count}\ndata: ${'x'.repeat(count * 100)}\n\n`;
      upstream.write(chunk(sent.slice(sent.lastIndexOf(`id: ${count}\n`))));
      await client.pendingIs((text) => unchunked(text) === sent);
    }
    upstream.write('0\r\n\r\n');
    await client.pendingIs((text) => text.endsWith('0\r\n\r\n'));
    assert.deepEqual(await gateway.outcomes(), { forwarded: 1 });
    client.close();
  });

  test('arrives wherever upstream cuts its writes', async () => {
    await start();
    const { client, upstream } = await open();
    let sent = 'data: 0\n\n';
    const event = 'event: a\r\ndata: b\r\n\r\n';
    const bytes = chunk(event);
    // The bytes of an event stand behind the line with their number.
    const content = bytes.indexOf('\r\n') + 2;
    for (let at = 1; at < bytes.length; at += 1) {
      upstream.write(bytes.slice(0, at));
      const part = event.slice(0, Math.max(0, at - content));
      await client.pendingIs((text) => unchunked(text) === sent + part);
      upstream.write(bytes.slice(at));
      sent += event;
      await client.pendingIs((text) => unchunked(text) === sent);
    }
    client.close();
  });

  test('that a client leaves ends upstream', async () => {
    await start();
    for (const leave of ['reset', 'close', 'end'] as const) {
      const { client, upstream } = await open();
      client[leave]();
      await upstream.closed();
      client.close();
    }
    await eventually(
      () => inFlight(gateway).length,
      (count) => count === 0,
    );
    assert.deepEqual(await gateway.outcomes(), { client_aborted: 3 });
  });

  test('may be silent for longer than any other body', async () => {
    await start({
      timeouts: { responseMs: 200, idleMs: 200 },
      config: { timeouts: { keepAliveMs: 1_000, sendMs: 1_000, requestHeadMs: 1_000 } },
    });
    const { client, upstream } = await open();
    // A body that falls silent later, and a connection that is without a request from now on, end before.
    const other = await Wire.open(gateway.port);
    other.send(`GET /file HTTP/1.1\r\nHost: a\r\nAuthorization: ${gateway.bearer()}\r\n\r\n`);
    const its = await origin.connection();
    await its.head();
    its.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
    const idle = await Wire.open(gateway.port);
    await other.untilClosed();
    await idle.untilClosed();
    upstream.write(chunk('data: 1\n\n'));
    await client.pendingIs((text) => unchunked(text) === 'data: 0\n\ndata: 1\n\n');
    assert.deepEqual(await gateway.outcomes(), { upstream_timeout: 1 });
    client.close();
  });

  test('is not silent for longer than `timeouts.tunnel`', async () => {
    await start({ timeouts: { idleMs: 100 }, config: { timeouts: { tunnelMs: 1_000 } } });
    const { client, upstream } = await open();
    await client.untilClosed();
    await upstream.closed();
    assert.deepEqual(await gateway.outcomes(), { upstream_timeout: 1 });
  });

  if (testEngine !== 'uws' && !overTls) {
    test('of HTTP/1.0 ends with its connection', async () => {
      await start();
      const client = await Wire.open(gateway.port);
      client.send(`GET /events HTTP/1.0\r\nHost: a\r\nAuthorization: ${gateway.bearer()}\r\n\r\n`);
      const upstream = await origin.connection();
      await upstream.head();
      upstream.write(`${eventHead}${chunk('data: 0\n\n')}`);
      await client.pendingIs((text) => text.endsWith('\r\n\r\ndata: 0\n\n'));
      upstream.write('0\r\n\r\n');
      assert.match(await client.untilClosed(), /\r\n\r\ndata: 0\n\n$/);
    });
  }
});
