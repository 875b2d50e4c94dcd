import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestGateway } from '../../support/gateway.ts';
import type { Origin } from '../../support/origin.ts';
import { publicGateway } from '../../support/public-gateway.ts';
import { request, Wire, type WireResponse } from '../../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;
/** Request lines that reached upstream. */
let seen: string[] = [];

publicGateway('once', (made) => {
  ({ origin, gateway } = made);
  origin.serve((text) => {
    seen.push(text.slice(0, text.indexOf('\r\n')));
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
});

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n';

/** Everything that reached upstream up to a request that is sent now and gets its response. */
async function reached(): Promise<string[]> {
  const response = await request(gateway.port, 'GET /marker HTTP/1.1\r\nHost: a.example\r\n\r\n');
  assert.equal(response.status, 200);
  const lines = seen;
  seen = [];
  assert.equal(lines.at(-1), 'GET /marker HTTP/1.1');
  return lines.slice(0, -1);
}

/** Requests that the gateway itself refuses, with the reason in the body. */
const refused: Readonly<Record<string, string>> = {
  'two equal Content-Length':
    'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc',
  'two different Content-Length':
    'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc',
  'two different Content-Length, longer first':
    'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\nabc',
  'an empty Content-Length': 'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: \r\n\r\n',
  'Transfer-Encoding gzip': 'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding identity':
    'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding xchunked':
    'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding gzip, chunked':
    'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding chunked, identity':
    'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'two Transfer-Encoding':
    'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'an empty Transfer-Encoding': 'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding:\r\n\r\n',
  'an empty Transfer-Encoding with a Content-Length':
    'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc',
  'an empty Host': 'GET /x HTTP/1.1\r\nHost:\r\n\r\n',
  'a Host that is a path and credentials': 'GET /x HTTP/1.1\r\nHost: a/../@evil b\r\n\r\n',
  'a Host with a port out of digits': 'GET /x HTTP/1.1\r\nHost: a.example:80a\r\n\r\n',
  'a Host with a port above 65535': 'GET /x HTTP/1.1\r\nHost: a.example:65536\r\n\r\n',
  'a Host list': 'GET /x HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n',
  'a method that is no token': 'G{}T /x HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'an empty method': ' /x HTTP/1.1\r\nHost: a.example\r\n\r\n',
  CONNECT: 'CONNECT /x HTTP/1.1\r\nHost: a.example\r\n\r\n',
  TRACE: 'TRACE /x HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'a fragment in the path': 'GET /x#y HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'a fragment in the query': 'GET /x?a#y HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'DEL in the path': 'GET /x\x7f HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'UTF-8 in the path': 'GET /\xc3\xa9 HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'UTF-8 in the query': 'GET /x?\xc3\xa9 HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'a byte in the path that is not UTF-8': 'GET /\xff HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'a header value that is not UTF-8': 'GET /x HTTP/1.1\r\nHost: a.example\r\nX-A: a\xffb\r\n\r\n',
  'HEAD with two Content-Length':
    'HEAD /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc',
};

/** Requests that the engine refuses with its own page, or by closing the connection. */
const refusedByEngine: Readonly<Record<string, string>> = {
  'Content-Length with a sign': 'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: +3\r\n\r\nabc',
  'a hexadecimal Content-Length': 'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0x3\r\n\r\nabc',
  'a Content-Length list': 'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3, 3\r\n\r\nabc',
  'Transfer-Encoding and Content-Length':
    'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'no Host': 'GET /x HTTP/1.1\r\nX-A: b\r\n\r\n',
  'two Host': 'GET /x HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n',
  'a control character in the path': 'GET /x\x01 HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'white space before the colon': 'GET /x HTTP/1.1\r\nHost: a.example\r\nX-A : b\r\n\r\n',
  'a folded line': 'GET /x HTTP/1.1\r\nHost: a.example\r\nX-A: b\r\n c\r\n\r\n',
  'NUL in a value': 'GET /x HTTP/1.1\r\nHost: a.example\r\nX-A: b\0c\r\n\r\n',
  'HTTP/1.0': 'GET /x HTTP/1.0\r\nHost: a.example\r\n\r\n',
  'absolute form': 'GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'asterisk form': 'OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n',
};

describe('a request whose meaning is in doubt', () => {
  for (const [name, bytes] of Object.entries(refused)) {
    test(`${name}: 400, the connection ends, nothing reaches upstream`, async () => {
      const wire = await Wire.open(gateway.port);
      wire.send(bytes);
      const response: WireResponse = await wire.response({ toHead: bytes.startsWith('HEAD') });
      assert.equal(response.status, 400);
      assert.equal(response.headers.get('connection'), 'close');
      if (!bytes.startsWith('HEAD')) assert.equal(JSON.parse(response.body).code, 'request_malformed');
      assert.equal(await wire.untilClosed(), '');
      wire.close();
      assert.deepEqual(await reached(), []);
    });
  }

  for (const [name, bytes] of Object.entries({ ...refused, ...refusedByEngine })) {
    test(`${name}: later bytes of the same segment never reach upstream`, async () => {
      const wire = await Wire.open(gateway.port);
      wire.send(bytes + smuggled);
      const received = await wire.untilClosed();
      wire.close();
      assert.match(received, /^$|^HTTP\/1\.1 (?:400|505) /);
      assert.equal(received.indexOf('HTTP/1.1', 1), -1, 'at most one answer');
      assert.deepEqual(await reached(), []);
    });
  }

  test('an invalid chunk size: later bytes of the same segment never reach upstream', async () => {
    const wire = await Wire.open(gateway.port);
    const head = 'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n';
    wire.send(`${head}zz\r\nabc\r\n0\r\n\r\n${smuggled}`);
    await wire.untilClosed();
    wire.close();
    assert.ok(!(await reached()).includes('GET /smuggled HTTP/1.1'));
  });

  test('16 digits of Content-Length: 400', async () => {
    const response = await request(
      gateway.port,
      'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0000000000000003\r\n\r\nabc',
    );
    assert.equal(response.status, 400);
    assert.equal(response.closed, true);
    assert.deepEqual(await reached(), []);
  });
});

describe('a request that is unusual but clear is forwarded', () => {
  const accepted: Readonly<Record<string, string>> = {
    'lower-case method': 'get /x HTTP/1.1\r\nHost: a.example\r\n\r\n',
    'method with every kind of token character': "a!#$%&'*+-.^_`|~9 /x HTTP/1.1\r\nHost: a.example\r\n\r\n",
    'Host with a port': 'GET /x HTTP/1.1\r\nHost: a.example:8080\r\n\r\n',
    'Host with an IPv6 address': 'GET /x HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n',
    'leading zeros in Content-Length':
      'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 003\r\n\r\nabc',
    'Content-Length of zeros': 'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 00\r\n\r\n',
    '15 digits of Content-Length':
      'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 000000000000003\r\n\r\nabc',
    CHUNKED: 'POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    'every visible character in the target':
      'GET /x!"$%&\'()*+,-.:;<=>?@[\\]^_`{|}~?? HTTP/1.1\r\nHost: a.example\r\n\r\n',
    'an empty query': 'GET /x? HTTP/1.1\r\nHost: a.example\r\n\r\n',
  };
  for (const [name, bytes] of Object.entries(accepted)) {
    test(name, async () => {
      const response = await request(gateway.port, bytes);
      assert.equal(response.status, 200);
      assert.equal(response.body, 'ok');
      assert.deepEqual(await reached(), [bytes.slice(0, bytes.indexOf('\r\n'))]);
    });
  }

  test('a request whose head arrives byte by byte', async () => {
    const wire = await Wire.open(gateway.port);
    for (const byte of 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n') {
      wire.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal((await wire.response()).status, 200);
    wire.close();
    assert.deepEqual(await reached(), ['GET /x HTTP/1.1']);
  });

  test('one request after another on one connection', async () => {
    const wire = await Wire.open(gateway.port);
    for (const path of ['/1', '/2', '/3']) {
      wire.send(`GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
      const response = await wire.response();
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('connection'), undefined);
    }
    assert.equal(wire.closed, false);
    wire.close();
    assert.deepEqual(await reached(), ['GET /1 HTTP/1.1', 'GET /2 HTTP/1.1', 'GET /3 HTTP/1.1']);
  });
});

describe('a request head over limits.requestHead', () => {
  test('is refused with 431 and never reaches upstream', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(`GET /x HTTP/1.1\r\nHost: a.example\r\nX-Long: ${'a'.repeat(17 * 1024)}\r\n\r\n`);
    assert.match(await wire.untilClosed(), /^HTTP\/1\.1 431 /);
    wire.close();
    assert.deepEqual(await reached(), []);
  });

  test('below it is forwarded', async () => {
    const response = await request(
      gateway.port,
      `GET /x HTTP/1.1\r\nHost: a.example\r\nX-Long: ${'a'.repeat(15 * 1024)}\r\n\r\n`,
    );
    assert.equal(response.status, 200);
    assert.deepEqual(await reached(), ['GET /x HTTP/1.1']);
  });
});
