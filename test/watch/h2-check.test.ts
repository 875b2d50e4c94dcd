import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, createServer as createNetServer, type Server } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import type { HealthConfig } from '../../src/config/upstream-config.ts';
import { TlsClient } from '../../src/upstream/tls-client.ts';
import type { CheckResult, CheckTarget } from '../../src/watch/check.ts';
import { checkServer } from '../../src/watch/check-server.ts';
import { frame, settings, types, uint32 } from '../front/node/h2/frames.ts';
import { Authority } from '../support/authority.ts';
import { eventually } from '../support/gateway.ts';
import { tlsOrigin, upstreamTls } from '../support/upstream-tls.ts';
import { body, END_HEADERS, END_STREAM, FrameServer, head } from '../upstream/h2/frame-server.ts';

const health: HealthConfig = {
  path: '/healthz?deep=1',
  host: undefined,
  intervalMs: 5_000,
  timeoutMs: 2_000,
  rise: 2,
  fall: 3,
  status: [[200, 299]],
};
const late = { ok: false, cause: 'timeout', detail: 'no whole response in time' };
const well = { ok: true, detail: 'status 200' };
const NO_ERROR = 0;
const REFUSED = 7;

const open: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function check(
  port: number,
  more: Partial<Omit<CheckTarget, 'health'>> = {},
  of: Partial<HealthConfig> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<CheckResult> {
  const address = { host: '127.0.0.1', port };
  const target = {
    address,
    protocol: 'h2',
    health: { ...health, ...of },
    host: 'app.internal:81',
    ...more,
  } as const;
  return checkServer(target, signal);
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    server.close();
    return once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

/** A server that responds as `serve` does, and the sessions that it has. */
async function serve(respond: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void) {
  const server = createServer();
  let sessions = 0;
  let made = 0;
  server.on('session', (session) => {
    sessions += 1;
    made += 1;
    session.on('close', () => {
      sessions -= 1;
    });
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    respond(stream, headers);
  });
  const port = await portOf(server);
  return { port, sessions: () => sessions, made: () => made };
}

async function frames(first?: Buffer): Promise<FrameServer> {
  const server = await FrameServer.start(first);
  open.push(() => server.close());
  return server;
}

describe('a check by HTTP/2', () => {
  test('judges the status, on a session of its own', async () => {
    let status = 200;
    const server = await serve((stream) => stream.respond({ ':status': status }, { endStream: true }));
    assert.deepEqual(await check(server.port), well);
    status = 503;
    assert.deepEqual(await check(server.port), { ok: false, cause: 'wrong_status', detail: 'status 503' });
    status = 302;
    assert.deepEqual(await check(server.port), { ok: false, cause: 'wrong_status', detail: 'status 302' });
    assert.equal(server.made(), 3);
    await eventually(server.sessions, (count) => count === 0);
  });

  test('asks for the path at the host of the server, or at the named one', async () => {
    const asked: IncomingHttpHeaders[] = [];
    const server = await serve((stream, headers) => {
      asked.push(headers);
      stream.respond({ ':status': 200 }, { endStream: true });
    });
    await check(server.port);
    await check(server.port, {}, { host: 'health.internal' });
    const [first = {}, second] = asked;
    assert.deepEqual(Object.fromEntries(Object.entries(first)), {
      ':method': 'GET',
      ':scheme': 'http',
      ':authority': 'app.internal:81',
      ':path': '/healthz?deep=1',
      'user-agent': 'portcullis-health-check',
      accept: '*/*',
    });
    assert.equal(second?.[':authority'], 'health.internal');
  });

  test('wants a whole response, and reads only a part of a long one', async () => {
    const whole = await serve((stream) => {
      stream.additionalHeaders({ ':status': 103 });
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end('fine');
    });
    assert.deepEqual(await check(whole.port), well);
    let sent = 0;
    const long = await serve((stream) => {
      stream.respond({ ':status': 200 });
      const more = (): void => {
        while (stream.write(Buffer.alloc(16 * 1024))) sent += 16 * 1024;
      };
      stream.on('drain', more);
      more();
    });
    assert.deepEqual(await check(long.port), well);
    await eventually(long.sessions, (count) => count === 0);
    assert.ok(sent < 1024 * 1024, `${sent} bytes`);
  });

  test('is cut off when its time is over', async () => {
    for (const respond of [
      (): void => {},
      (stream: ServerHttp2Stream): void => {
        stream.respond({ ':status': 200 });
        stream.write('some');
      },
    ]) {
      const abort = new AbortController();
      const server = await serve((stream) => {
        respond(stream);
        setImmediate(() => abort.abort());
      });
      assert.deepEqual(await check(server.port, {}, {}, abort.signal), late);
      await eventually(server.sessions, (count) => count === 0);
    }
    const silent = createNetServer((socket) => void socket.on('error', () => {}).resume());
    const abort = new AbortController();
    silent.on('connection', () => setImmediate(() => abort.abort()));
    assert.deepEqual(await check(await portOf(silent), {}, {}, abort.signal), late);
    assert.deepEqual(await check(1, {}, {}, AbortSignal.abort()), late);
  });

  test('sends no request to a server of HTTP/1.1', async () => {
    let received = '';
    const server = createNetServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
        socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
      });
    });
    const result = await check(await portOf(server));
    assert.equal(result.ok ? 'ok' : result.cause, 'no_http2', result.detail);
    assert.ok(!received.includes('healthz'));
  });

  test('fails where nothing listens', async () => {
    const server = createNetServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    assert.deepEqual(await check(port), { ok: false, cause: 'refused', detail: 'ECONNREFUSED' });
  });

  const longFields = Array.from({ length: 10 }, () => ['x', 'a'.repeat(1000)] as const);
  const ok = head(1, [[':status', '200']]);
  const lengthy = head(1, [
    [':status', '200'],
    ['content-length', '10'],
  ]);
  const big = Buffer.concat([
    head(1, [[':status', '200'], ...longFields], 0),
    frame(types.continuation, END_HEADERS, 1, head(1, longFields).subarray(9)),
  ]);
  const many = head(1, [[':status', '200'], ...Array.from({ length: 200 }, () => ['x', 'a'] as const)]);
  for (const [what, bytes, cause] of [
    ['a refused request', [frame(types.reset, 0, 1, uint32(REFUSED))], 'reset'],
    ['a reset without error before the end', [ok, frame(types.reset, 0, 1, uint32(NO_ERROR))], 'reset'],
    ['a reset behind a part', [ok, body(1, 'x'), frame(types.reset, 0, 1, uint32(2))], 'reset'],
    ['GOAWAY', [frame(types.goaway, 0, 0, Buffer.concat([uint32(0), uint32(0)]))], 'reset'],
    ['GOAWAY with an error', [frame(types.goaway, 0, 0, Buffer.concat([uint32(0), uint32(1)]))], 'reset'],
    ['fewer bytes than content-length', [lengthy, body(1, 'x', true)], 'invalid_response'],
    ['a head without a status', [head(1, [['x', 'y']], END_HEADERS | END_STREAM)], 'invalid_response'],
    ['an even stream', [head(2, [[':status', '200']])], 'invalid_response'],
    ['a head of 20 KB', [big, body(1, '', true)], 'invalid_response'],
    ['200 fields', [many, body(1, '', true)], 'invalid_response'],
  ] as const) {
    test(`fails by ${what}`, async () => {
      const server = await frames();
      const checked = check(server.port);
      await server.requests(1);
      server.send(...bytes);
      const result = await checked;
      assert.equal(result.ok ? 'ok' : result.cause, cause, result.detail);
    });
  }

  test('fails by a connection that ends', async () => {
    const server = await frames();
    const checked = check(server.port);
    await server.requests(1);
    server.sockets[0]?.destroy();
    const result = await checked;
    assert.equal(result.ok ? 'ok' : result.cause, 'reset', result.detail);
    const empty = createNetServer(
      (socket) =>
        void socket
          .on('error', () => {})
          .resume()
          .end(),
    );
    const early = await check(await portOf(empty));
    assert.equal(early.ok ? 'ok' : early.cause, 'reset', early.detail);
  });

  test('wants settings first, also where the server allows no request', async () => {
    const server = await frames(settings([3, 0]));
    const abort = new AbortController();
    const checked = check(server.port, {}, {}, abort.signal);
    await eventually(
      () => server.sockets.length,
      (count) => count === 1,
    );
    setImmediate(() => abort.abort());
    assert.deepEqual(await checked, late);
  });
});

describe('a check by HTTP/2 over TLS', () => {
  const authority = new Authority('checks');
  const good = authority.issue({ names: ['127.0.0.1'] });
  const EXPIRED = ['20200101000000Z', '20210101000000Z'] as const;

  const secureTo = (port: number): Pick<CheckTarget, 'secure'> => ({
    secure: () =>
      new TlsClient(upstreamTls(authority.cert), '127.0.0.1').connect({ host: '127.0.0.1', port }, 'h2'),
  });

  for (const path of ['/healthz', undefined]) {
    const by = path === undefined ? 'a connection' : 'a request';

    test(`by ${by} wants a server that chooses h2, and a good certificate`, async () => {
      for (const [certificate, cause] of [
        [good, 'ok'],
        [authority.issue({ names: ['127.0.0.2'] }), 'certificate_name'],
        [authority.issue({ names: ['127.0.0.1'], dates: EXPIRED }), 'certificate_expired'],
        [new Authority('other').issue({ names: ['127.0.0.1'] }), 'certificate_untrusted'],
      ] as const) {
        const asked: string[] = [];
        const server = createSecureServer({ ...certificate, allowHTTP1: false }, (request, response) => {
          asked.push(request.scheme);
          response.end('ok');
        });
        server.on('sessionError', () => {});
        const port = await portOf(server);
        const result = await check(port, secureTo(port), { path });
        assert.equal(result.ok ? 'ok' : result.cause, cause, result.detail);
        assert.deepEqual(asked, result.ok && path !== undefined ? ['https'] : []);
      }
    });

    test(`by ${by} fails where TLS chooses no protocol`, async () => {
      const { port, close } = await tlsOrigin(good, () => {});
      open.push(close);
      assert.deepEqual(await check(port, secureTo(port), { path }), {
        ok: false,
        cause: 'no_http2',
        detail: 'TLS did not choose h2',
      });
    });
  }
});
