import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { byEngine } from '../support/engine.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { request, Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

beforeEach(async () => {
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    timeouts: { connectMs: 200, responseMs: 200, idleMs: 10_000 },
  });
});

afterEach(async () => {
  // No connection stays in use.
  await eventually(
    () => gateway.connections(),
    (seen) => Object.keys(seen).every((state) => state === 'idle'),
  );
  await gateway.close();
  await origin.close();
});

const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';
const post = 'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function asked(bytes: string): Promise<[Wire, OriginConnection]> {
  const wire = await Wire.open(gateway.port);
  const connection = origin.connection();
  wire.send(bytes);
  const upstream = await connection;
  await upstream.head();
  return [wire, upstream];
}

/** Leaves one idle connection, which has carried one exchange. */
async function idle(): Promise<OriginConnection> {
  const [wire, upstream] = await asked(get);
  upstream.write(ok);
  assert.equal((await wire.response()).status, 200);
  wire.close();
  return upstream;
}

async function refusal(wire: Wire): Promise<[status: number, code: string]> {
  const response = await wire.response();
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  return [response.status, JSON.parse(response.body).code];
}

describe('a client that leaves', () => {
  test('before the response: upstream is released, and the exchange counts once', async () => {
    const [wire, upstream] = await asked(get);
    wire.reset();
    await upstream.closed();
    assert.deepEqual(await gateway.outcomes(), { client_aborted: 1 });
  });

  for (const framing of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
    test(`in the middle of a response with ${framing}: upstream is released`, async () => {
      const [wire, upstream] = await asked(get);
      upstream.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nhel`);
      await eventually(
        () => wire.pending,
        (text) => text.includes('hel'),
      );
      wire.reset();
      await upstream.closed();
      assert.deepEqual(await gateway.outcomes(), { client_aborted: 1 });
    });
  }

  test('in the middle of its upload: upstream sees no end of it', async () => {
    const [wire, upstream] = await asked('POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 50\r\n\r\n');
    wire.send('hello');
    await upstream.take((text) => text.endsWith('hello'));
    wire.reset();
    await upstream.closed();
    assert.deepEqual(await gateway.outcomes(), { client_aborted: 1 });
  });

  test('in the middle of a chunked upload: upstream sees no last chunk', async () => {
    const [wire, upstream] = await asked(
      'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    wire.send('5\r\nhello\r\n');
    assert.equal(await upstream.take((text) => text.endsWith('hello\r\n')), '5\r\nhello\r\n');
    wire.reset();
    await upstream.closed();
    assert.equal(upstream.received, '');
  });

  const halfClose = byEngine('half-close', {
    uws: 'the request ends as well',
    node: 'the response still arrives, and the connection ends',
    tls: 'the request ends as well',
  });
  test(`by closing its half of the connection only: ${halfClose}`, async () => {
    const [wire, upstream] = await asked(get);
    wire.end();
    const isServed = byEngine('half-close', { uws: false, node: true, tls: false });
    if (isServed) {
      upstream.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
      assert.equal((await wire.response()).body, 'ok');
      await wire.untilClosed();
    }
    await upstream.closed();
    assert.deepEqual(await gateway.outcomes(), { [isServed ? 'forwarded' : 'client_aborted']: 1 });
    wire.close();
  });
});

describe('an upstream that fails', () => {
  test('by a reset before the response: 502 upstream_reset, the client stays', async () => {
    const [wire, upstream] = await asked(get);
    upstream.socket.resetAndDestroy();
    assert.deepEqual(await refusal(wire), [502, 'upstream_reset']);
    assert.equal(wire.closed, false);
    assert.deepEqual(await gateway.outcomes(), { upstream_reset: 1 });
    wire.close();
  });

  test('by its end in the middle of a head: 502 upstream_reset', async () => {
    const [wire, upstream] = await asked(get);
    upstream.write('HTTP/1.1 200 OK\r\nX-A: ');
    upstream.socket.end();
    assert.deepEqual(await refusal(wire), [502, 'upstream_reset']);
    wire.close();
  });

  const afterHead = byEngine('the head of a response', {
    uws: '502 upstream_reset',
    node: 'the client has the head, and is cut',
  });
  test(`by its end after the head, before the first byte of the body: ${afterHead}`, async () => {
    const [wire, upstream] = await asked(get);
    upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    const isHeld = byEngine('the head of a response', { uws: true, node: false });
    if (!isHeld) {
      await eventually(
        () => wire.pending,
        (text) => text.endsWith('\r\n\r\n'),
      );
    }
    upstream.socket.end();
    if (isHeld) assert.deepEqual(await refusal(wire), [502, 'upstream_reset']);
    else assert.match(await wire.untilClosed(), /^HTTP\/1\.1 200 OK\r\ncontent-length: 5\r\n/);
    await eventually(
      () => gateway.outcomes(),
      (seen) => seen['upstream_reset'] === 1,
    );
    wire.close();
  });

  test('by a reset in the middle of the body: the client connection is cut and the exchange counts once', async () => {
    const [wire, upstream] = await asked(get);
    upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    await eventually(
      () => wire.pending,
      (text) => text.endsWith('hello'),
    );
    upstream.socket.resetAndDestroy();
    await wire.untilClosed();
    assert.equal(
      wire.wasReset,
      byEngine('a response that breaks off', { uws: false, node: true, tls: false }),
    );
    assert.deepEqual(await gateway.outcomes(), { upstream_reset: 1 });
    wire.close();
  });

  test('by silence: 504 upstream_timeout, and its connection ends', async () => {
    const [wire, upstream] = await asked(get);
    assert.deepEqual(await refusal(wire), [504, 'upstream_timeout']);
    await upstream.closed();
    assert.deepEqual(await gateway.outcomes(), { upstream_timeout: 1 });
    wire.close();
  });

  test('by not taking the request body: 504 upstream_timeout', async () => {
    const size = 64 * 1024 * 1024;
    const [wire, upstream] = await asked(
      `POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${size}\r\n\r\n`,
    );
    upstream.socket.pause();
    const bytes = 'x'.repeat(1024 * 1024);
    for (let at = 0; at < 64; at += 1) wire.send(bytes);
    assert.deepEqual(await refusal(wire), [504, 'upstream_timeout']);
    upstream.socket.resume();
    await upstream.closed();
    wire.close();
  });

  test('is not blamed for a slow client', async () => {
    const [wire, upstream] = await asked(
      'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhel',
    );
    await new Promise((resolve) => setTimeout(resolve, 500)); // Longer than the response time-out and a tick.
    wire.send('lo');
    await upstream.take((text) => text.endsWith('lo'));
    upstream.write(ok);
    assert.equal((await wire.response()).status, 200);
    wire.close();
  });

  test('by a response before the end of the request: the client gets it, the connection is not reused', async () => {
    const [wire, upstream] = await asked(
      'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\nhello',
    );
    upstream.write('HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nno');
    const response = await wire.response();
    assert.deepEqual([response.status, response.body], [413, 'no']);
    await upstream.closed();
    // The rest of the body is not read as a request, and the next request gets its own connection.
    wire.send(`world${get}`);
    const next = await origin.connection();
    assert.match(await next.head(), /^GET \/x /);
    next.write(ok);
    assert.equal((await wire.response()).body, 'ok');
    wire.close();
  });

  test('that refuses connections: 502 upstream_unreachable', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    const alone = await startGateway({ upstreamPort: port, routes: [{ auth: 'none' }] });
    try {
      for (const bytes of [get, post]) {
        const response = await request(alone.port, bytes);
        assert.deepEqual([response.status, JSON.parse(response.body).code], [502, 'upstream_unreachable']);
      }
      const head = await request(alone.port, get.replace('GET', 'HEAD'));
      assert.deepEqual([head.status, head.body], [502, '']);
      assert.deepEqual(await alone.outcomes(), { upstream_unreachable: 3 });
    } finally {
      await alone.close();
    }
  });
});

describe('a request on a reused connection that is dead', () => {
  /** Sends `bytes` on the idle connection, which ends with them. */
  async function dies(bytes: string, before = ''): Promise<Wire> {
    const first = await idle();
    const wire = await Wire.open(gateway.port);
    wire.send(bytes);
    await first.head();
    if (before !== '') {
      first.write(before);
      first.socket.end();
    } else first.socket.resetAndDestroy();
    return wire;
  }

  for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
    test(`${method} is retried on a fresh connection`, async () => {
      const wire = await dies(get.replace('GET', method));
      const second = await origin.connection();
      assert.match(await second.head(), new RegExp(`^${method} /x `));
      second.write(method === 'HEAD' ? 'HTTP/1.1 200 OK\r\n\r\n' : ok);
      assert.equal((await wire.response({ toHead: method === 'HEAD' })).status, 200);
      assert.deepEqual(await gateway.outcomes(), { forwarded: 2 });
      wire.close();
    });
  }

  test('but only once', async () => {
    const wire = await dies(get);
    const second = await origin.connection();
    await second.head();
    second.socket.resetAndDestroy();
    assert.deepEqual(await refusal(wire), [502, 'upstream_reset']);
    assert.equal(origin.accepted, 2);
    wire.close();
  });

  for (const [name, bytes] of [
    ['POST with a body', post],
    ['POST without a body', 'POST /x HTTP/1.1\r\nHost: a.example\r\n\r\n'],
    ['PATCH', 'PATCH /x HTTP/1.1\r\nHost: a.example\r\n\r\n'],
    ['an unknown method', 'FOO /x HTTP/1.1\r\nHost: a.example\r\n\r\n'],
    ['lower-case get', get.replace('GET', 'get')],
    ['PUT with a body', post.replace('POST', 'PUT')],
  ] as const) {
    test(`${name} is not retried`, async () => {
      const wire = await dies(bytes);
      assert.deepEqual(await refusal(wire), [502, 'upstream_reset']);
      assert.equal(origin.accepted, 1);
      wire.close();
    });
  }

  test('GET is not retried after the first byte of a response', async () => {
    const wire = await dies(get, 'H');
    assert.deepEqual(await refusal(wire), [502, 'upstream_reset']);
    assert.equal(origin.accepted, 1);
    wire.close();
  });

  test('GET is not retried after an interim response', async () => {
    const wire = await dies(get, 'HTTP/1.1 100 Continue\r\n\r\n');
    assert.deepEqual(await refusal(wire), [502, 'upstream_reset']);
    assert.equal(origin.accepted, 1);
    wire.close();
  });

  test('a fresh connection that dies is not retried', async () => {
    const [wire, upstream] = await asked(get);
    upstream.socket.end();
    assert.deepEqual(await refusal(wire), [502, 'upstream_reset']);
    assert.equal(origin.accepted, 1);
    wire.close();
  });
});

describe('timeouts.idle', () => {
  test('ends an idle connection, and silence between two pieces of a body', async () => {
    const short = await startGateway({
      upstreamPort: origin.port,
      routes: [{ auth: 'none' }],
      timeouts: { responseMs: 60_000, idleMs: 200 },
    });
    try {
      const wire = await Wire.open(short.port);
      wire.send(get);
      const first = await origin.connection();
      await first.head();
      first.write(ok);
      assert.equal((await wire.response()).status, 200);
      await first.closed();
      wire.send(get);
      const second = await origin.connection();
      await second.head();
      second.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
      await second.closed();
      await wire.untilClosed();
      wire.close();
      assert.deepEqual(await short.outcomes(), { forwarded: 1, upstream_timeout: 1 });
    } finally {
      await short.close();
    }
  });
});
