import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../../support/gateway.ts';
import { Origin, type OriginConnection } from '../../support/origin.ts';
import { request, Wire } from '../../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

before(async () => {
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [
      { auth: 'none' },
      { name: '/private', match: { host: undefined, path: '/private', methods: undefined } },
    ],
    config: { limits: { requestHead: 16 * 1024, requestBody: 1000, responseHead: 64 * 1024 } },
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

const head = 'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n';
const evil = 'GET /evil HTTP/1.1\r\nHost: a.example\r\n\r\n';

/** Only `/marker` reaches upstream from here on. */
async function nothingReaches(): Promise<void> {
  const wanted = request(gateway.port, 'GET /marker HTTP/1.1\r\nHost: a.example\r\n\r\n');
  const connection = await origin.connection();
  assert.match(await connection.head(), /^GET \/marker /);
  connection.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
  assert.equal((await wanted).status, 200);
  await connection.closed();
}

/** A chunked request that has reached upstream whole. */
async function posted(body = '5\r\nhello\r\n0\r\n\r\n'): Promise<[Wire, OriginConnection]> {
  const wire = await Wire.open(gateway.port);
  const connection = origin.connection();
  wire.send(head + body);
  const upstream = await connection;
  await upstream.take((text) => text.endsWith('0\r\n\r\n'));
  return [wire, upstream];
}

afterEach(async () => {
  await eventually(
    () => gateway.connections(),
    (seen) => (seen['busy'] ?? 0) === 0 && (seen['idle'] ?? 0) === 0,
  );
});

describe('a chunked request', () => {
  test('reaches upstream framed anew', async () => {
    const wire = await Wire.open(gateway.port);
    const connection = origin.connection();
    wire.send(`${head}2\r\nhe\r\n`);
    const upstream = await connection;
    const first = await upstream.take((text) => text.endsWith('he\r\n'));
    assert.equal(first.match(/transfer-encoding: chunked\r\n/g)?.length, 1);
    assert.equal(first.includes('content-length'), false);
    assert.equal(first.slice(first.indexOf('\r\n\r\n') + 4), '2\r\nhe\r\n');
    wire.send('3\r\nllo\r\n0\r\n\r\n');
    assert.equal(await upstream.take((text) => text.endsWith('0\r\n\r\n')), '3\r\nllo\r\n0\r\n\r\n');
    upstream.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    const response = await wire.response();
    assert.equal(response.body, 'ok');
    assert.equal(response.headers.get('connection'), 'close');
    assert.equal(response.closed, true);
    wire.close();
  });

  test('that is empty is still chunked', async () => {
    const [wire, upstream] = await posted('0\r\n\r\n');
    upstream.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    assert.equal((await wire.response()).closed, true);
    wire.close();
  });

  for (const [name, method, responseHead] of [
    ['204', 'POST', 'HTTP/1.1 204 No Content\r\n'],
    ['304', 'POST', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n'],
    ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n'],
    ['HEAD without headers', 'HEAD', 'HTTP/1.1 200 OK\r\n'],
  ] as const) {
    test(`ends its connection after a response without a body: ${name}`, async () => {
      const wire = await Wire.open(gateway.port);
      const connection = origin.connection();
      wire.send(`${head.replace('POST', method)}0\r\n\r\n`);
      const upstream = await connection;
      await upstream.take((text) => text.endsWith('0\r\n\r\n'));
      upstream.write(`${responseHead}Connection: close\r\n\r\n`);
      const response = await wire.response({ toHead: method === 'HEAD' });
      assert.equal(response.status, Number(responseHead.slice(9, 12)));
      assert.equal(response.headers.get('connection'), 'close');
      assert.equal(response.fields.filter(([field]) => field.toLowerCase() === 'date').length, 1);
      assert.equal(
        response.headers.get('content-length'),
        responseHead.includes('Length: 5') ? '5' : undefined,
      );
      assert.equal(response.closed, true);
      wire.close();
      await nothingReaches();
    });
  }

  for (const framing of ['length', 'chunked'] as const) {
    test(`is the last one read, with a response in pieces by ${framing}`, async () => {
      const [wire, upstream] = await posted();
      const chunked = framing === 'chunked';
      upstream.write(
        chunked
          ? 'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n'
          : 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nh',
      );
      await eventually(
        () => wire.pending,
        (text) => text.endsWith('h') || text.endsWith('h\r\n'),
      );
      upstream.write(chunked ? '4\r\nello\r\n0\r\n\r\n' : 'ello');
      await eventually(
        () => wire.pending,
        (text) => text.endsWith(chunked ? '0\r\n\r\n' : 'ello'),
      );
      assert.match(wire.pending, /\r\nconnection: close\r\n/i);
      wire.send(evil);
      wire.end();
      await nothingReaches();
      wire.close();
      upstream.socket.destroy();
    });
  }

  for (const [name, trailer] of [
    ['a request behind two dropped bytes', `X:${evil}`],
    ['a field', 'X-T: v\r\n\r\n'],
    ['a request', evil],
  ] as const) {
    test(`with trailers in one segment yields no other request: ${name}`, async () => {
      const wire = await Wire.open(gateway.port);
      wire.send(`${head}5\r\nhello\r\n0\r\n${trailer}`);
      await wire.untilClosed();
      wire.close();
      await eventually(
        () => gateway.connections(),
        (seen) => (seen['busy'] ?? 0) === 0,
      );
      // The request itself may have reached upstream before the engine met the trailers.
      const wanted = request(gateway.port, 'GET /marker HTTP/1.1\r\nHost: a.example\r\n\r\n');
      for (;;) {
        const connection = await origin.connection();
        const line = (await connection.head().catch(() => 'POST /x ')).split(' HTTP/')[0] as string;
        assert.notEqual(line, 'GET /evil');
        if (line !== 'GET /marker') continue;
        connection.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
        break;
      }
      assert.equal((await wanted).status, 200);
    });
  }

  test('with trailers after the response yields no other request', async () => {
    const wire = await Wire.open(gateway.port);
    const connection = origin.connection();
    wire.send(`${head}5\r\nhello\r\n0\r\nX:`);
    const upstream = await connection;
    await upstream.take((text) => text.endsWith('0\r\n\r\n'));
    upstream.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    await wire.response();
    wire.send(evil);
    await nothingReaches();
    wire.close();
  });

  test('that is refused ends its connection, and later bytes are never read', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(`${head.replace('/x', '/private')}5\r\nhello\r\n0\r\n\r\n${evil}`);
    const received = await wire.untilClosed();
    assert.match(received, /^$|^HTTP\/1\.1 401 /);
    wire.close();
    await nothingReaches();
    const response = await request(gateway.port, `${head.replace('/x', '/private')}5\r\nhello\r\n0\r\n\r\n`);
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('connection'), 'close');
    assert.equal(response.closed, true);
  });

  test('that is a refused HEAD ends its connection', async () => {
    const response = await request(
      gateway.port,
      `${head.replace('POST /x', 'HEAD /private')}5\r\nhello\r\n0\r\n\r\n`,
    );
    assert.equal(response.status, 401);
    assert.equal(response.closed, true);
  });

  test('above limits.requestBody by count: 413, and upstream sees no end of it', async () => {
    const wire = await Wire.open(gateway.port);
    const connection = origin.connection();
    wire.send(`${head}5\r\nhello\r\n`);
    const upstream = await connection;
    await upstream.head();
    wire.send(`3e8\r\n${'x'.repeat(1000)}\r\n0\r\n\r\n`);
    const response = await wire.response();
    assert.equal(response.status, 413);
    assert.equal(JSON.parse(response.body).code, 'request_body_too_large');
    assert.equal(response.closed, true);
    await upstream.closed();
    assert.equal(upstream.received.includes('0\r\n\r\n'), false);
    wire.close();
  });

  test('of exactly limits.requestBody is accepted', async () => {
    const [wire, upstream] = await posted(`3e8\r\n${'x'.repeat(1000)}\r\n0\r\n\r\n`);
    upstream.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    assert.equal((await wire.response()).status, 200);
    wire.close();
  });
});

describe('limits.requestBody for an announced length', () => {
  test('above it: 413 before anything reaches upstream', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send('POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1001\r\n\r\n');
    const response = await wire.response();
    assert.equal(response.status, 413);
    assert.equal(JSON.parse(response.body).code, 'request_body_too_large');
    assert.equal(response.closed, true);
    wire.close();
    await nothingReaches();
  });

  test('of exactly that size is accepted', async () => {
    const wanted = request(
      gateway.port,
      `POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(1000)}`,
    );
    const upstream = await origin.connection();
    await upstream.take((text) => text.endsWith('x'.repeat(1000)));
    upstream.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    const response = await wanted;
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('connection'), undefined);
  });
});

test('chunkedRequests: reject replies 411 and closes, with any method', async () => {
  const strict = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    config: { chunkedRequests: 'reject' },
  });
  try {
    for (const method of ['POST', 'GET', 'HEAD']) {
      const response = await request(strict.port, `${head.replace('POST', method)}5\r\nhello\r\n0\r\n\r\n`);
      assert.equal(response.status, 411);
      assert.equal(response.closed, true);
      if (method !== 'HEAD') assert.equal(JSON.parse(response.body).code, 'length_required');
    }
    assert.deepEqual(await strict.outcomes(), { length_required: 3 });
  } finally {
    await strict.close();
  }
});
