import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { Origin, type OriginConnection } from '../../support/origin.ts';
import { Wire } from '../../support/wire.ts';

const LARGE = 2 * 1024 * 1024;
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let origin: Origin;
let gateway: TestGateway;

before(async () => {
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    reuse: false,
    routes: [
      {
        auth: 'none',
        forward: { headers: new Map([['X-User', 'sub']]), token: 'keep', forwarded: new Set() },
      },
      { match: { host: undefined, path: '/guarded', methods: undefined }, name: '/guarded' },
    ],
    config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }] },
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

/** Sends a request and waits until upstream has its head. */
async function asked(request: string): Promise<[Wire, OriginConnection, string]> {
  const connection = origin.connection();
  const wire = await Wire.open(gateway.port);
  wire.send(request);
  const upstream = await connection;
  return [wire, upstream, await upstream.head()];
}

/** Waits for these bytes and nothing else. */
async function receives(wire: Wire, wanted: string): Promise<void> {
  await wire.pendingIs((text) => text.length >= wanted.length);
  assert.equal(wire.pending.slice(0, wanted.length), wanted);
}

/** The first response is this one, so no interim response came before it. */
async function begins(wire: Wire, status: number): Promise<void> {
  const text = await wire.pendingIs((seen) => seen.includes('\r\n\r\n'));
  assert.equal(text.slice(0, text.indexOf(' ', 9)), `HTTP/1.1 ${status}`);
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

describe('a client that waits for 100', () => {
  const post = (length: number, path = '/x', expect = '100-continue'): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\nExpect: ${expect}\r\n\r\n`;

  for (const spelling of ['100-continue', '100-Continue']) {
    test(`${spelling}: is told to send a small body, and upstream is not asked`, async () => {
      const [wire, upstream, head] = await asked(post(2, '/x', spelling));
      assert.doesNotMatch(head, /expect/i);
      await receives(wire, CONTINUE);
      wire.send('hi');
      await upstream.take((text) => text.endsWith('hi'));
      upstream.write(ok);
      assert.equal((await wire.response()).status, 200);
      wire.close();
    });
  }

  test('gets a refusal in place of the 100, and the connection ends', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(post(LARGE, '/guarded'));
    await begins(wire, 401);
    const response = await wire.response();
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('connection'), 'close');
    await wire.untilClosed();
  });

  test('with a large body is told to send when upstream wants it', async () => {
    const [wire, upstream, head] = await asked(post(LARGE));
    assert.match(head, /\r\nexpect: 100-continue\r\n/);
    upstream.write(CONTINUE);
    await receives(wire, CONTINUE);
    const whole = upstream.hash(LARGE);
    wire.send('x'.repeat(LARGE));
    await whole;
    upstream.write(ok);
    assert.equal((await wire.response()).status, 200);
    wire.close();
  });

  test('with a large body gets the refusal of upstream, and never a 100', async () => {
    const [wire, upstream] = await asked(post(LARGE));
    upstream.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n');
    await begins(wire, 413);
    const response = await wire.response();
    assert.equal(response.status, 413);
    assert.equal(response.headers.get('connection'), 'close');
    await wire.untilClosed();
    await upstream.closed();
  });

  test('with a large body is told to send when upstream says nothing', async () => {
    const [wire, upstream] = await asked(post(LARGE));
    await receives(wire, CONTINUE);
    const whole = upstream.hash(LARGE);
    wire.send('x'.repeat(LARGE));
    await whole;
    upstream.write(ok);
    assert.equal((await wire.response()).status, 200);
    wire.close();
  });

  test('and has begun to send all the same is told nothing', async () => {
    const [wire, upstream] = await asked(post(LARGE));
    const whole = upstream.hash(LARGE);
    wire.send('x'.repeat(LARGE));
    await whole;
    upstream.write(ok);
    await begins(wire, 200);
    wire.close();
  });
});

describe('interim responses', () => {
  const early = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n';

  test('reach the client in their order, before the final one', async () => {
    const [wire, upstream] = await asked('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    upstream.write(early);
    await receives(wire, early);
    upstream.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(20) + ok);
    await receives(wire, early + 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(20));
    assert.equal((await wire.response()).body, 'ok');
    wire.close();
  });

  test('lose the fields that their route removes or sets, and get none', async () => {
    const set = new Map([['X-Frame-Options', 'DENY']]);
    const changed = await startGateway({
      upstreamPort: origin.port,
      routes: [{ auth: 'none', responseHeaders: { set, remove: ['Server'] } }],
      config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }] },
    });
    const wire = await Wire.open(changed.port);
    try {
      wire.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const upstream = await origin.connection();
      await upstream.head();
      const fields = 'Server: x/1\r\nX-Frame-Options: ALLOW\r\nLink: </a>\r\n';
      upstream.write(`HTTP/1.1 103 Early Hints\r\n${fields}\r\n`);
      await receives(wire, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
      upstream.write(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 2\r\n\r\nok`);
      const { headers } = await wire.response();
      assert.deepEqual(
        ['server', 'x-frame-options', 'link'].map((name) => headers.get(name)),
        [undefined, 'DENY', '</a>'],
      );
    } finally {
      wire.close();
      await changed.close();
    }
  });

  test('do not reach a client of HTTP/1.0', async () => {
    const [wire, upstream] = await asked('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    upstream.write(early + ok);
    assert.match(await wire.untilClosed(), /^HTTP\/1\.1 200 /);
  });
});

describe('trailers', () => {
  test('of a response follow its body', async () => {
    const [wire, upstream] = await asked('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    upstream.write(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: \xe9\r\nSet-Cookie: a=b\r\n\r\n',
    );
    await wire.pendingIs((text) => text.endsWith('\r\n\r\n') && text.includes('ok'));
    assert.ok(wire.pending.endsWith('\r\n\r\n2\r\nok\r\n0\r\nx-sum: \xe9\r\n\r\n'), wire.pending);
    wire.close();
  });

  test('of a request go upstream, but not those that could pass for what the gateway says', async () => {
    const [wire, upstream] = await asked('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    wire.send('2\r\nhi\r\n0\r\nX-Sum: \xe9\r\nX_User: root\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n');
    const text = await upstream.take((seen) => seen.endsWith('\r\n\r\n'));
    assert.ok(text.endsWith('2\r\nhi\r\n0\r\nx-sum: \xe9\r\n\r\n'), text);
    upstream.write(ok);
    assert.equal((await wire.response()).status, 200);
    wire.close();
  });
});
