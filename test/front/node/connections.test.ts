import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MIB, settled } from '../../lifetime/stream.ts';
import { eventually, startGateway, type TestGateway } from '../../support/gateway.ts';
import { Origin } from '../../support/origin.ts';
import { Wire } from '../../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

before(async () => {
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    config: {
      listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }],
      timeouts: { requestHeadMs: 1_000, keepAliveMs: 3_000 },
    },
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

/** Upstream responds with the request line of each request; for `/host` with the value of its Host. */
function echo(): void {
  origin.serve((request) => {
    const line = request.slice(0, request.indexOf('\r\n'));
    const host = /^host: (.*)\r$/im.exec(request)?.[1] ?? 'none';
    const body = line.includes(' /host ') ? host : line;
    return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
}

const get = (path: string, more = '', version = '1.1'): string =>
  `GET ${path} HTTP/${version}\r\nHost: a\r\n${more}\r\n`;

describe('a connection on Node.js sockets', () => {
  before(echo);

  test('serves pipelined requests in their order, also in one segment', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(get('/1') + get('/2') + get('/3'));
    for (const path of ['/1', '/2', '/3']) assert.equal((await wire.response()).body, `GET ${path} HTTP/1.1`);
    wire.send(get('/4'));
    assert.equal((await wire.response()).body, 'GET /4 HTTP/1.1');
    wire.close();
  });

  test('serves a client that has ended its half behind its request, and closes', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(get('/half'));
    wire.end();
    const response = await wire.response();
    assert.equal(response.body, 'GET /half HTTP/1.1');
    await wire.untilClosed();
  });

  test('notices a client that resets its connection while it is kept from sending', async () => {
    const still = await Origin.start();
    const own = await startGateway({
      upstreamPort: still.port,
      routes: [{ auth: 'none' }],
      config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }] },
    });
    const wire = await Wire.open(own.port);
    wire.send('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
    const upstream = await still.connection();
    await upstream.head();
    upstream.socket.pause();
    const piece = 'b'.repeat(MIB);
    // More than the kernel and the gateway hold waits in this process.
    for (let sent = 0; sent < 90 * MIB; sent += MIB) wire.send(piece);
    await settled(() => wire.taken);
    assert.ok(wire.unsent > 0);
    wire.reset();
    await eventually(
      () => own.outcomes(),
      (seen) => seen['client_aborted'] === 1,
    );
    upstream.socket.resume();
    await upstream.closed();
    await own.close();
    await still.close();
  });

  test('closes behind HTTP/1.0, and says so', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send('GET /old HTTP/1.0\r\n\r\n');
    const response = await wire.response();
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('connection'), 'close');
    await wire.untilClosed();
  });

  test('names itself as the Host of HTTP/1.0 without one, which upstream gets as HTTP/1.1', async () => {
    for (const [text, host] of [
      ['OPTIONS /host HTTP/1.0\r\n\r\n', `127.0.0.1:${gateway.port}`],
      ['GET /host HTTP/1.0\r\nHost: b\r\n\r\n', 'b'],
      ['GET http://c:81/host HTTP/1.0\r\n\r\n', 'c:81'],
    ] as const) {
      const wire = await Wire.open(gateway.port);
      wire.send(text);
      assert.equal((await wire.response()).body, host);
      await wire.untilClosed();
    }
  });

  test('stays open for HTTP/1.0 that asks for it, and says so', async () => {
    const wire = await Wire.open(gateway.port);
    for (let round = 0; round < 2; round += 1) {
      wire.send(get('/old', 'Connection: Keep-Alive\r\n', '1.0'));
      const response = await wire.response();
      assert.equal(response.headers.get('connection'), 'keep-alive');
      assert.equal(response.body, 'GET /old HTTP/1.1');
    }
    wire.close();
  });

  test('takes empty lines before a request, and behind the body of a POST', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(`\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi\r\n${get('/c')}`);
    assert.equal((await wire.response()).body, 'POST /b HTTP/1.1');
    assert.equal((await wire.response()).body, 'GET /c HTTP/1.1');
    wire.close();
  });

  for (const list of ['TE, close', 'close, TE', 'keep-alive, close']) {
    test(`closes behind Connection: ${list}, and says so`, async () => {
      const wire = await Wire.open(gateway.port);
      wire.send(get('/', `Connection: ${list}\r\n`));
      assert.equal((await wire.response()).headers.get('connection'), 'close');
      await wire.untilClosed();
    });
  }

  test('serves another request behind a chunked one', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(
      'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\nX-T: 1\r\n\r\n',
    );
    assert.equal((await wire.response()).body, 'POST /c HTTP/1.1');
    wire.send(get('/d'));
    assert.equal((await wire.response()).body, 'GET /d HTTP/1.1');
    wire.close();
  });

  test('refuses a broken chunk with 400, and closes', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send('POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhiX');
    const response = await wire.response();
    assert.equal(response.status, 400);
    assert.match(response.body, /request_malformed/);
    await wire.untilClosed();
  });

  test('ends an idle connection, and a head that does not come whole with 408', async () => {
    const idle = await Wire.open(gateway.port);
    const slow = await Wire.open(gateway.port);
    slow.send('GET / HTTP/1.1\r\nHost:');
    assert.equal((await slow.response()).status, 408);
    await slow.untilClosed();
    assert.equal(await idle.untilClosed(), '');
  });

  test('ends with the request that the limit names', async () => {
    const { gateway: limited, port } = await startGateway({
      upstreamPort: origin.port,
      routes: [{ auth: 'none' }],
      config: {
        listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }],
        limits: { requestsPerConnection: 3 },
      },
    });
    try {
      const wire = await Wire.open(port);
      const closing: (string | undefined)[] = [];
      for (let round = 0; round < 3; round += 1) {
        wire.send(get('/'));
        closing.push((await wire.response()).headers.get('connection'));
      }
      assert.deepEqual(closing, [undefined, undefined, 'close']);
      await wire.untilClosed();
    } finally {
      await limited.close({ graceMs: 0 });
    }
  });
});
