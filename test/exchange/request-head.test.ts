import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ForwardConfig } from '../../src/config/config.ts';
import { testScheme } from '../support/engine.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

const forward = (changes: Partial<ForwardConfig>): ForwardConfig => ({
  headers: new Map(),
  token: 'keep',
  forwarded: new Set(),
  ...changes,
});
const path = (prefix: string) => ({ host: undefined, path: prefix, methods: undefined });

before(async () => {
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [
      { name: '/public', match: path('/public'), auth: 'none', forward: forward({}) },
      {
        name: '/told',
        match: path('/told'),
        auth: 'none',
        forward: forward({ forwarded: new Set(['for', 'proto', 'host']) }),
      },
      {
        name: '/host',
        match: path('/host'),
        auth: 'none',
        forward: forward({ forwarded: new Set(['host']) }),
      },
      {
        name: '/private',
        match: path('/private'),
        forward: forward({
          headers: new Map([
            ['X-User-Id', 'sub'],
            ['X_Roles', 'roles'],
          ]),
        }),
      },
      { name: '/strip', match: path('/strip'), forward: forward({ token: 'strip' }) },
    ],
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

/** What upstream received for a request: request line, header lines, and the bytes after the head. */
async function sent(bytes: string, body = ''): Promise<{ line: string; lines: string[]; body: string }> {
  const wire = await Wire.open(gateway.port);
  const connection = origin.connection();
  wire.send(bytes + body);
  const upstream = await connection;
  const text = await upstream.take((seen) => seen.includes('\r\n\r\n') && seen.endsWith(body || '\r\n\r\n'));
  upstream.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
  assert.equal((await wire.response()).status, 200);
  wire.close();
  await upstream.closed();
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...lines] = text.slice(0, end).split('\r\n');
  return { line, lines, body: text.slice(end + 4) };
}

const get = (target: string, ...lines: string[]): string =>
  `${[`GET ${target} HTTP/1.1`, 'Host: a.example', ...lines].join('\r\n')}\r\n\r\n`;

describe('the request line', () => {
  for (const target of [
    '/public',
    '/public?',
    '/public?a=%2F..%2f&b=//',
    '/public/%C3%A9?q="<>',
    '/public/a%20b/~c',
  ]) {
    test(`${target} goes upstream unchanged`, async () => {
      assert.equal((await sent(get(target))).line, `GET ${target} HTTP/1.1`);
    });
  }

  test('the method keeps its case', async () => {
    assert.equal((await sent(get('/public').replace('GET', 'pAtch'))).line, 'pAtch /public HTTP/1.1');
  });
});

describe('headers', () => {
  test('order, repetitions, tabs and empty values are kept', async () => {
    const { lines } = await sent(
      get('/public', 'X-B: 1', 'x-a: 2', 'X-B: 3', 'X-E:', 'X-T: a\tb', 'Cookie: c=d'),
    );
    assert.deepEqual(lines, [
      'host: a.example',
      'x-b: 1',
      'x-a: 2',
      'x-b: 3',
      'x-e: ',
      'x-t: a\tb',
      'cookie: c=d',
    ]);
  });

  test('UTF-8 values go upstream byte for byte', async () => {
    const value = Buffer.from('x é€😀 y').toString('latin1');
    const { lines } = await sent(get('/public', `X-A: ${value}`));
    assert.deepEqual(lines, ['host: a.example', `x-a: ${value}`]);
  });

  test('hop-by-hop ones are not forwarded', async () => {
    const { lines } = await sent(
      get(
        '/public',
        'Connection: keep-alive',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eDp5',
        'Proxy-Authenticate: Basic',
        'TE: trailers',
        'Trailer: X-T',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMA',
        'Proxy: http://evil.example',
        'Expect: 100-continue',
        'X-Kept: 1',
      ),
    );
    assert.deepEqual(lines, ['host: a.example', 'x-kept: 1']);
  });

  test('those that Connection names are not forwarded, in any place', async () => {
    const { lines } = await sent(
      get(
        '/public',
        'X-One: 1',
        'Connection: x-one, X-TWO ,close',
        'X-Two: 2',
        'X-Three: 3',
        'Connection: x-three',
      ),
    );
    assert.deepEqual(lines, ['host: a.example']);
  });

  test('Connection removes nothing that the message needs', async () => {
    const bearer = gateway.bearer();
    const { lines } = await sent(
      get(
        '/private',
        'Connection: host, authorization, content-type, cache-control, x-user-id, x-forwarded-for',
        `Authorization: ${bearer}`,
        'Content-Type: text/plain',
        'Cache-Control: no-cache',
      ),
    );
    assert.deepEqual(lines, [
      'host: a.example',
      `authorization: ${bearer}`,
      'content-type: text/plain',
      'cache-control: no-cache',
      'X-User-Id: user',
    ]);
  });

  test('Connection cannot remove the framing', async () => {
    const { lines, body } = await sent(
      'POST /public HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nConnection: content-length\r\n\r\n',
      'hello',
    );
    assert.deepEqual(lines, ['host: a.example', 'content-length: 5']);
    assert.equal(body, 'hello');
  });
});

describe('identity headers', () => {
  const forged = ['X-User-Id', 'x-user-id', 'X_User_Id', 'x-USER_id', 'X-Roles', 'X_ROLES', 'x-roles'].map(
    (name) => `${name}: forged`,
  );

  test('of any route are removed from a public one in every spelling', async () => {
    const { lines } = await sent(get('/public', ...forged, 'X-User-Idea: kept'));
    assert.deepEqual(lines, ['host: a.example', 'x-user-idea: kept']);
  });

  test("are the token's, after everything that the client sent", async () => {
    const bearer = gateway.bearer({ roles: ['a', 'b'] });
    const { lines } = await sent(get('/private', ...forged, `Authorization: ${bearer}`, 'X-Last: 1'));
    assert.deepEqual(lines, [
      'host: a.example',
      `authorization: ${bearer}`,
      'x-last: 1',
      'X-User-Id: user',
      'X_Roles: a,b',
    ]);
  });

  test('are removed, not sent empty, when the token has no such claim', async () => {
    const bearer = gateway.bearer();
    const { lines } = await sent(get('/private', ...forged, `Authorization: ${bearer}`));
    assert.deepEqual(lines, ['host: a.example', `authorization: ${bearer}`, 'X-User-Id: user']);
  });
});

describe('the token', () => {
  test('is removed with token: strip, and nothing else is', async () => {
    const { lines } = await sent(
      get('/strip', `Authorization: ${gateway.bearer()}`, 'Authorization-Info: x'),
    );
    assert.deepEqual(lines, ['host: a.example', 'authorization-info: x']);
  });

  test('of a public route is forwarded unread', async () => {
    const { lines } = await sent(get('/public', 'Authorization: Basic eDp5'));
    assert.deepEqual(lines, ['host: a.example', 'authorization: Basic eDp5']);
  });
});

describe('X-Forwarded-*', () => {
  const forged = [
    'X-Forwarded-For: 1.2.3.4',
    'X_Forwarded_For: 1.2.3.4',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Port: 443',
    'Forwarded: for=1.2.3.4',
  ];

  test("are the gateway's alone, and those of the client are removed", async () => {
    const { lines } = await sent(get('/told', ...forged));
    assert.deepEqual(lines, [
      'host: a.example',
      'x-forwarded-for: 127.0.0.1',
      `x-forwarded-proto: ${testScheme}`,
      'x-forwarded-host: a.example',
    ]);
  });

  test('are sent as configured', async () => {
    const { lines } = await sent(get('/host', ...forged).replace('a.example', 'A.example:81'));
    assert.deepEqual(lines, ['host: A.example:81', 'x-forwarded-host: A.example:81']);
  });

  test('are absent when switched off', async () => {
    const { lines } = await sent(get('/public', ...forged));
    assert.deepEqual(lines, ['host: a.example']);
  });
});

test('X-Forwarded-For names the peer of each connection, with other clients beside it', async () => {
  const other = await startGateway({ upstreamPort: origin.port, routes: [{ auth: 'none' }] });
  const told = async (wire: Wire): Promise<string | undefined> => {
    const connection = origin.connection();
    wire.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
    const upstream = await connection;
    const text = await upstream.head();
    upstream.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    assert.equal((await wire.response()).status, 200);
    return /\r\nx-forwarded-for: (.*)\r\n/.exec(text)?.[1];
  };
  try {
    const one = await Wire.open(other.port, '127.0.0.1', '127.0.0.1');
    assert.equal(await told(one), '127.0.0.1');
    const two = await Wire.open(other.port, '127.0.0.1', '127.0.0.2');
    assert.equal(await told(two), '127.0.0.2');
    assert.equal(await told(one), '127.0.0.1');
    one.close();
    assert.equal(await told(two), '127.0.0.2');
    const three = await Wire.open(other.port, '127.0.0.1', '127.0.0.3');
    assert.equal(await told(three), '127.0.0.3');
    two.close();
    three.reset();
    const four = await Wire.open(other.port, '127.0.0.1', '127.0.0.4');
    assert.equal(await told(four), '127.0.0.4');
    four.close();
  } finally {
    await other.close();
  }
});

describe('the length of the body', () => {
  for (const method of ['POST', 'PUT', 'PATCH']) {
    test(`${method} without a body announces an empty one`, async () => {
      assert.deepEqual((await sent(get('/public').replace('GET', method))).lines, [
        'host: a.example',
        'content-length: 0',
      ]);
    });
  }

  for (const method of ['GET', 'DELETE', 'OPTIONS']) {
    test(`${method} without a body announces none`, async () => {
      assert.deepEqual((await sent(get('/public').replace('GET', method))).lines, ['host: a.example']);
    });
  }

  test('GET with a body keeps it', async () => {
    const { lines, body } = await sent(get('/public', 'Content-Length: 5'), 'hello');
    assert.deepEqual(lines, ['host: a.example', 'content-length: 5']);
    assert.equal(body, 'hello');
  });

  test('is written anew', async () => {
    const { lines } = await sent(get('/public', 'Content-Length: 0005').replace('GET', 'POST'), 'hello');
    assert.deepEqual(lines, ['host: a.example', 'content-length: 5']);
  });

  test('a body of binary bytes is not changed', async () => {
    const bytes = Array.from({ length: 256 }, (_, at) => String.fromCharCode(at)).join('');
    const { body } = await sent(get('/public', 'Content-Length: 256').replace('GET', 'POST'), bytes);
    assert.equal(body, bytes);
  });
});

test('the gateway answers Expect: 100-continue', async () => {
  const wire = await Wire.open(gateway.port);
  const connection = origin.connection();
  wire.send('POST /public HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  const upstream = await connection;
  assert.equal(
    await upstream.head(),
    'POST /public HTTP/1.1\r\nhost: a.example\r\ncontent-length: 5\r\n\r\n',
  );
  wire.send('hello');
  assert.equal(await upstream.take((text) => text.length === 5), 'hello');
  upstream.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
  assert.equal((await wire.response()).status, 200);
  wire.close();
});
