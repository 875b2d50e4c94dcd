import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { StartError } from '../../src/lib/start-error.ts';
import { byEngine } from '../support/engine.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { request, Wire } from '../support/wire.ts';

let origin: Origin;

before(async () => {
  origin = await Origin.start();
});

after(() => origin.close());

const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok';
const open = { routes: [{ auth: 'none' as const }] };

/** The error code with which a connection attempt ends, or `connected`. */
function attempt(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
}

interface UnderWay {
  readonly gateway: TestGateway;
  readonly wire: Wire;
  readonly upstream: OriginConnection;
}

/** A gateway with one current request, of which upstream has the head. */
async function underWay(): Promise<UnderWay> {
  const gateway = await startGateway({ upstreamPort: origin.port, ...open });
  const wire = await Wire.open(gateway.port);
  wire.send(get);
  const upstream = await origin.connection();
  await upstream.head();
  return { gateway, wire, upstream };
}

/** The beginning of a response in pieces, until the client has it. */
async function beginResponse(wire: Wire, upstream: OriginConnection): Promise<void> {
  upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  await eventually(
    () => wire.pending,
    (text) => text.endsWith(byEngine('the chunks of a response', { uws: 'hello', node: 'hello\r\n' })),
  );
}

async function taken(): Promise<[Server, number]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return [server, (server.address() as AddressInfo).port];
}

describe('close', () => {
  test('lets an exchange in flight end within the grace, and refuses new connections at once', async () => {
    const { gateway, wire, upstream } = await underWay();
    const closed = gateway.gateway.close({ graceMs: 10_000 });
    assert.equal(await attempt(gateway.port), 'ECONNREFUSED');
    upstream.write(ok);
    const response = await wire.response();
    assert.deepEqual([response.status, response.body], [200, 'ok']);
    assert.equal(response.headers.get('connection'), 'close');
    assert.equal(await closed, 0);
    await wire.untilClosed();
    wire.close();
    assert.equal(await attempt(gateway.adminPort), 'ECONNREFUSED');
  });

  test('lets a response in pieces end within the grace', async () => {
    const { gateway, wire, upstream } = await underWay();
    await beginResponse(wire, upstream);
    const closed = gateway.gateway.close({ graceMs: 10_000 });
    upstream.write('5\r\nworld\r\n0\r\n\r\n');
    assert.equal((await wire.response()).body, 'helloworld');
    assert.equal(await closed, 0);
    wire.close();
    upstream.socket.destroy();
  });

  test('serves a request on an open connection, and asks the client to leave', async () => {
    const gateway = await startGateway({ upstreamPort: origin.port, ...open });
    const slow = await Wire.open(gateway.port);
    slow.send(get);
    const first = await origin.connection();
    await first.head();
    const wire = await Wire.open(gateway.port);
    wire.send(get);
    const warm = await origin.connection();
    await warm.head();
    warm.write(ok);
    assert.equal((await wire.response()).headers.get('connection'), undefined);
    const closed = gateway.gateway.close({ graceMs: 10_000 });
    wire.send(get.replace('GET', 'HEAD'));
    const second = await origin.connection();
    await second.head();
    second.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\n');
    const response = await wire.response({ toHead: true });
    assert.equal(response.headers.get('connection'), 'close');
    assert.equal(response.headers.get('content-length'), '7');
    assert.equal(response.closed, true);
    first.write(ok);
    assert.equal((await slow.response()).status, 200);
    assert.equal(await closed, 0);
    wire.close();
    slow.close();
  });

  test('cuts the remaining exchanges when the grace is over, and reports their number', async () => {
    const { gateway, wire, upstream } = await underWay();
    assert.equal(await gateway.gateway.close({ graceMs: 50 }), 1);
    const response = await wire.response();
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1']);
    assert.equal(JSON.parse(response.body).code, 'draining');
    assert.equal(response.closed, true);
    await upstream.closed();
    wire.close();
  });

  test('without grace cuts at once; a second call gives the same result', async () => {
    const { gateway, wire, upstream } = await underWay();
    const first = gateway.gateway.close({ graceMs: 0 });
    const second = gateway.gateway.close({ graceMs: 10_000 });
    assert.deepEqual([await first, await second], [1, 1]);
    await wire.untilClosed();
    await upstream.closed();
    wire.close();
    assert.equal(await attempt(gateway.port), 'ECONNREFUSED');
  });

  test('cuts a response in pieces when the grace is over', async () => {
    const { gateway, wire, upstream } = await underWay();
    await beginResponse(wire, upstream);
    assert.equal(await gateway.gateway.close({ graceMs: 1 }), 1);
    assert.match(await wire.untilClosed(), /5\r\nhello(\r\n)?$/);
    await upstream.closed();
    wire.close();
  });

  test('ends idle client and upstream connections', async () => {
    const { gateway, wire, upstream } = await underWay();
    upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await wire.response();
    assert.equal(await gateway.gateway.close({ graceMs: 1_000 }), 0);
    await wire.untilClosed();
    await upstream.closed();
    wire.close();
  });
});

describe('start', () => {
  test('on a taken port is one sentence, and leaves nothing open', async () => {
    const [server, port] = await taken();
    const [free, freePort] = await taken();
    free.close();
    await once(free, 'close');
    await assert.rejects(
      startGateway({
        upstreamPort: origin.port,
        config: {
          admin: { host: '127.0.0.1', port: freePort, hosts: [] },
          listen: [
            { host: '127.0.0.1', port: 0 },
            { host: '127.0.0.1', port },
          ],
        },
      }),
      (error) => error instanceof StartError && error.message.includes(`127.0.0.1:${port}`),
    );
    assert.equal(await attempt(freePort), 'ECONNREFUSED');
    server.close();
  });

  test('on a taken admin port is one sentence, and leaves nothing open', async () => {
    const [server, port] = await taken();
    await assert.rejects(
      startGateway({ upstreamPort: origin.port, config: { admin: { host: '127.0.0.1', port, hosts: [] } } }),
      (error) => error instanceof StartError && error.message.includes(`127.0.0.1:${port}`),
    );
    server.close();
  });

  test('two gateways cannot share a port by accident', async () => {
    const first = await startGateway({ upstreamPort: origin.port });
    try {
      await assert.rejects(
        startGateway({
          upstreamPort: origin.port,
          config: { listen: [{ host: '127.0.0.1', port: first.port }] },
        }),
        StartError,
      );
      assert.equal((await request(first.port, get)).status, 401);
    } finally {
      await first.close();
    }
  });

  const others = byEngine('`limits.requestHead`', { uws: 'but not', node: 'also' });
  test(`two gateways in one process serve side by side, ${others} with different limits.requestHead`, async () => {
    const first = await startGateway({ upstreamPort: origin.port });
    const second = await startGateway({ upstreamPort: origin.port });
    try {
      assert.equal((await request(first.port, get)).status, 401);
      assert.equal((await request(second.port, get)).status, 401);
      const third = startGateway({
        upstreamPort: origin.port,
        config: { limits: { requestHead: 8192, requestBody: 1, responseHead: 8192 } },
      });
      if (others === 'also') {
        const { port, close } = await third;
        const large = get.replace('\r\n\r\n', `\r\nX-A: ${'a'.repeat(8192)}\r\n\r\n`);
        assert.equal((await request(port, large)).status, 431);
        assert.equal((await request(first.port, large)).status, 401);
        await close();
      } else {
        await assert.rejects(
          third,
          (error) => error instanceof StartError && error.message.includes('limits.requestHead'),
        );
      }
      await second.close();
      assert.equal((await request(first.port, get)).status, 401);
    } finally {
      await first.close();
      await second.close();
    }
  });

  test('listens on every address, IPv6 too', async () => {
    const gateway = await startGateway({
      upstreamPort: origin.port,
      ...open,
      config: {
        listen: [
          { host: '127.0.0.1', port: 0 },
          { host: '::1', port: 0 },
        ],
      },
    });
    try {
      const [, six = ''] = gateway.gateway.addresses.listen;
      assert.match(six, /^\[::1\]:\d+$/);
      const wire = await Wire.open(Number(six.slice(6)), '::1');
      const next = origin.connection();
      wire.send(get);
      const upstream = await next;
      assert.match(await upstream.head(), /\r\nx-forwarded-for: ::1\r\n/);
      upstream.write(ok);
      assert.equal((await wire.response()).status, 200);
      wire.close();
    } finally {
      await gateway.close();
    }
  });
});
