import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { byEngine } from '../support/engine.ts';
import { eventually, type TestGateway } from '../support/gateway.ts';
import type { Origin, OriginConnection } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { request, Wire, type WireResponse } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

publicGateway('once', (made) => {
  ({ origin, gateway } = made);
});

interface Carried {
  readonly response: WireResponse;
  readonly connection: OriginConnection;
}

/** Carries one response, written in the given pieces, and ends the upstream connection if asked. */
async function carry(pieces: readonly (string | Buffer)[], method = 'GET', end = false): Promise<Carried> {
  const wanted = request(gateway.port, `${method} /x HTTP/1.1\r\nHost: a.example\r\n\r\n`);
  const connection = await origin.connection();
  await connection.head();
  for (const piece of pieces) {
    connection.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (end) connection.socket.end();
  const response = await wanted;
  connection.socket.destroy();
  await connection.closed();
  return { response, connection };
}

const digest = (bytes: Buffer | string): string =>
  createHash('sha256')
    .update(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    .digest('hex');

describe('the body of a response', () => {
  const whole: Readonly<Record<string, [bytes: string, body: string, end?: boolean]>> = {
    'by length': ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
    'of length 0': ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', ''],
    chunked: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 'hello'],
    'in several chunks': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n4;a=b\r\nello\r\n0\r\nX-T: 1\r\n\r\n',
      'hello',
    ],
    'chunked and empty': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', ''],
    'until the connection ends': ['HTTP/1.1 200 OK\r\n\r\nhello', 'hello', true],
    'until the connection ends, empty': ['HTTP/1.1 200 OK\r\n\r\n', '', true],
    'of an HTTP/1.0 server': ['HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
    'of an HTTP/1.0 server until the connection ends': ['HTTP/1.0 200 OK\r\n\r\nhello', 'hello', true],
  };
  for (const [name, [bytes, body, end = false]] of Object.entries(whole)) {
    test(`${name}: in one segment`, async () => {
      const { response } = await carry([bytes], 'GET', end);
      assert.equal(response.status, 200);
      assert.equal(response.body, body);
    });
    test(`${name}: byte by byte`, async () => {
      const { response } = await carry([...bytes], 'GET', end);
      assert.equal(response.status, 200);
      assert.equal(response.body, body);
    });
  }

  test('of known length keeps its length in pieces', async () => {
    const { response } = await carry(['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe', 'llo']);
    assert.equal(response.headers.get('content-length'), '5');
    assert.equal(response.headers.get('transfer-encoding'), undefined);
  });

  test('that ends with the connection is framed anew, so that its end is visible', async () => {
    const { response } = await carry(['HTTP/1.1 200 OK\r\n\r\nhe', 'llo'], 'GET', true);
    assert.equal(response.headers.get('transfer-encoding'), 'chunked');
    assert.equal(response.body, 'hello');
    assert.equal(response.closed, false);
  });

  const size = 8 * 1024 * 1024;
  const bytes = randomBytes(size);
  test('of 8 MiB by length', async () => {
    const { response } = await carry([`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`, bytes]);
    assert.equal(response.body.length, size);
    assert.equal(digest(response.body), digest(bytes));
  });

  test('of 8 MiB in chunks of many sizes', async () => {
    const pieces: (string | Buffer)[] = ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'];
    for (let at = 0, length = 1; at < size; at += length, length = Math.min(length * 3, 1_000_000)) {
      const chunk = bytes.subarray(at, at + length);
      pieces.push(
        Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
      );
    }
    const { response } = await carry([...pieces, '0\r\n\r\n']);
    assert.equal(digest(response.body), digest(bytes));
  });

  test('of 8 MiB until the connection ends', async () => {
    const { response } = await carry(['HTTP/1.1 200 OK\r\n\r\n', bytes], 'GET', true);
    assert.equal(digest(response.body), digest(bytes));
  });
});

describe('a response without a body', () => {
  test('to HEAD keeps its announced length', async () => {
    const { response } = await carry(['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'], 'HEAD');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-length'), '5');
    assert.equal(response.body, '');
  });

  test('to HEAD without a length announces none', async () => {
    const { response } = await carry(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'], 'HEAD');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-length'), undefined);
    assert.equal(response.headers.get('transfer-encoding'), undefined);
  });

  test('204', async () => {
    const { response } = await carry(['HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n']);
    assert.equal(response.status, 204);
    assert.equal(response.headers.get('x-a'), '1');
    assert.equal(response.headers.get('content-length'), undefined);
  });

  test('304 keeps its announced length', async () => {
    const { response } = await carry(['HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n']);
    assert.equal(response.status, 304);
    assert.equal(response.headers.get('content-length'), '5');
    assert.equal(response.headers.get('etag'), '"a"');
  });

  test('is followed by the next response without loss', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send('HEAD /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
    const connection = await origin.connection();
    await connection.head();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    await wire.response({ toHead: true });
    for (const status of ['204 No Content', '304 Not Modified']) {
      wire.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
      await connection.head();
      connection.write(`HTTP/1.1 ${status}\r\n\r\n`);
      assert.equal((await wire.response()).status, Number(status.slice(0, 3)));
    }
    wire.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
    await connection.head();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
    assert.equal((await wire.response()).body, 'hello');
    wire.close();
    connection.socket.destroy();
  });
});

describe('the head of a response', () => {
  test('interim responses do not come for the final one, and 100 does not come unasked', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
    const connection = await origin.connection();
    await connection.head();
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    connection.write(`HTTP/1.1 100 Continue\r\n\r\n${hints}`);
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const raw = await wire.pendingIs((text) => text.endsWith('\r\n\r\nok'));
    const first = byEngine('interim responses: 103 and others', { uws: 'HTTP/1.1 200', node: hints });
    assert.ok(raw.startsWith(first), raw);
    assert.equal(raw.match(/HTTP\/1\.1 200/g)?.length, 1);
    wire.close();
    connection.socket.destroy();
  });

  test('names, values, order and repetitions arrive as sent', async () => {
    const { response } = await carry([
      'HTTP/1.1 299 My Reason\r\nSet-Cookie: a=1\r\nX-Two:2\r\nset-cookie:   b=2  \r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok',
    ]);
    assert.match(response.raw, /^HTTP\/1\.1 299 My Reason\r\n/);
    assert.deepEqual(
      response.fields.filter(([name]) => !['date', 'content-length'].includes(name.toLowerCase())),
      [
        ['Set-Cookie', 'a=1'],
        ['X-Two', '2'],
        ['set-cookie', 'b=2'],
        ['X-Empty', ''],
      ],
    );
  });

  test('8-bit values arrive byte for byte', async () => {
    for (const length of [
      'Content-Length: 2\r\n\r\nok',
      'Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n',
    ]) {
      const { response } = await carry([`HTTP/1.1 200 Tr\xe8s\r\nX-A: caf\xe9 \xff\x80\r\n${length}`]);
      assert.match(response.raw, /^HTTP\/1\.1 200 Tr\xe8s\r\n/);
      assert.ok(response.raw.includes('\r\nX-A: caf\xe9 \xff\x80\r\n'));
      assert.equal(response.body, 'ok');
    }
  });

  test('hop-by-hop headers and those that Connection names are not forwarded', async () => {
    const { response } = await carry([
      'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n' +
        'Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X-T\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok',
    ]);
    assert.deepEqual(response.fields.map(([name]) => name.toLowerCase()).sort(), [
      'content-length',
      'date',
      'x-kept',
    ]);
  });

  test('Date is sent once', async () => {
    const { response } = await carry([
      'HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok',
    ]);
    assert.equal(response.fields.filter(([name]) => name.toLowerCase() === 'date').length, 1);
  });

  test('an empty reason phrase is valid', async () => {
    for (const line of ['HTTP/1.1 200 ', 'HTTP/1.1 200']) {
      const { response } = await carry([`${line}\r\nContent-Length: 2\r\n\r\nok`]);
      assert.equal(response.status, 200);
      assert.equal(response.body, 'ok');
    }
  });

  test('60 KiB of headers', async () => {
    const lines = Array.from({ length: 60 }, (_, at) => `X-${at}: ${'v'.repeat(1000)}`);
    const head = `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\n`;
    for (const body of [
      'Content-Length: 2\r\n\r\nok',
      'Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n',
    ]) {
      const { response } = await carry([head + body]);
      assert.deepEqual(
        response.fields.filter(([name]) => name.startsWith('X-')).map((field) => field.join(': ')),
        lines,
      );
      assert.equal(response.body, 'ok');
    }
  });
});

describe('an invalid response', () => {
  const invalid: Readonly<Record<string, string>> = {
    'no HTTP': 'SSH-2.0-OpenSSH\r\n',
    'HTTP/2': 'HTTP/2 200 OK\r\n\r\n',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
    'chunked with a length':
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    'unknown coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok',
    'folded line': 'HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok',
    'a bare LF': 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok',
    'an upgrade without a request for it': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n',
    'a broken first chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
    'a head over limits.responseHead': `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(65 * 1024)}\r\nContent-Length: 2\r\n\r\nok`,
    'interim answers without end': 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3000),
  };
  for (const [name, bytes] of Object.entries(invalid)) {
    test(`${name}: 502 upstream_invalid_response, and its connection ends`, async () => {
      const wire = await Wire.open(gateway.port);
      wire.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
      const connection = await origin.connection();
      await connection.head();
      connection.write(bytes);
      const response = await wire.response();
      assert.equal(response.status, 502);
      assert.equal(JSON.parse(response.body).code, 'upstream_invalid_response');
      await connection.closed();
      assert.equal(wire.closed, false, 'the client is not to blame');
      wire.close();
    });
  }

  for (const [framing, head, first] of [
    ['chunked', 'Transfer-Encoding: chunked', '5\r\nhello\r\n'],
    ['length', 'Content-Length: 10', 'hello'],
  ] as const) {
    test(`upstream ends in the middle of a body by ${framing}: the client's connection is cut`, async () => {
      const wire = await Wire.open(gateway.port);
      wire.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
      const connection = await origin.connection();
      await connection.head();
      connection.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${first}`);
      connection.socket.end();
      const seen = await wire.untilClosed();
      assert.match(seen, /^HTTP\/1\.1 200 /);
      assert.ok(!seen.includes('\r\n0\r\n'), 'it must not look whole');
      wire.close();
    });
  }

  test('a broken chunk in the middle of a body: the client connection is cut', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
    const connection = await origin.connection();
    await connection.head();
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhello');
    const end = byEngine('the chunks of a response', { uws: 'hello', node: 'hello\r\n' });
    await eventually(
      () => wire.pending,
      (text) => text.endsWith(end),
    );
    connection.write('XX0\r\n\r\n');
    const seen = await wire.untilClosed();
    assert.ok(!seen.includes('\r\n0\r\n'));
    await connection.closed();
    wire.close();
  });
});

describe('bytes that belong to no response', () => {
  test('after a response: the response is whole, its connection is not reused', async () => {
    const { response, connection } = await carry([
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison',
    ]);
    assert.equal(response.body, 'ok');
    await connection.closed();
    const { response: next } = await carry(['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean']);
    assert.equal(next.body, 'clean');
  });

  test('on an idle connection: the connection is closed, and the bytes never answer a request', async () => {
    const wanted = request(gateway.port, 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
    const connection = await origin.connection();
    await connection.head();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    assert.equal((await wanted).body, 'ok');
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
    await connection.closed();
    const { response } = await carry(['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean']);
    assert.equal(response.body, 'clean');
  });

  test('a response with Connection: close ends its upstream connection', async () => {
    const { connection } = await carry([
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    ]);
    await connection.closed();
  });
});
