import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { HealthConfig, ServerAddress } from '../../src/config/upstream-config.ts';
import type { CheckResult } from '../../src/watch/check.ts';
import { checkServer } from '../../src/watch/check-server.ts';

const health: HealthConfig = {
  path: '/healthz',
  host: undefined,
  intervalMs: 5_000,
  timeoutMs: 2_000,
  rise: 2,
  fall: 3,
  status: [
    [200, 299],
    [401, 401],
  ],
};

const servers: Server[] = [];
const sockets = new Set<Socket>();
after(() => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
});

/** A server that sends these bytes when a request has come, and then ends or holds the connection. */
async function serve(
  bytes: string | Buffer,
  { end = true, onRequest = (_: string): void => {}, path = '' } = {},
): Promise<ServerAddress> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (request) => {
      onRequest(request.toString());
      if (end) socket.end(bytes);
      else socket.write(bytes);
    });
  });
  servers.push(server);
  if (path === '') server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  return path === '' ? { host: '127.0.0.1', port: (server.address() as AddressInfo).port } : { path };
}

function check(
  address: ServerAddress,
  of: Partial<HealthConfig> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<CheckResult> {
  const target = {
    address,
    protocol: 'http/1.1',
    health: { ...health, ...of },
    host: 'app.internal:81',
  } as const;
  return checkServer(target, signal);
}

/** The result of a check that is cut off once the server has its request. */
async function late(bytes: string, of: Partial<HealthConfig> = {}): Promise<CheckResult> {
  const abort = new AbortController();
  const address = await serve(bytes, { end: false, onRequest: () => setImmediate(() => abort.abort()) });
  return check(address, of, abort.signal);
}

describe('a check by a request', () => {
  test('judges the status and nothing else', async () => {
    for (const [status, wanted] of [
      ['200 OK', { ok: true, detail: 'status 200' }],
      ['204 No Content', { ok: true, detail: 'status 204' }],
      ['401 Unauthorized', { ok: true, detail: 'status 401' }],
      // Neither followed nor healthy, unless 3xx is configured.
      ['302 Found\r\nLocation: /elsewhere', { ok: false, cause: 'wrong_status', detail: 'status 302' }],
      ['400 Bad Request', { ok: false, cause: 'wrong_status', detail: 'status 400' }],
      ['402 Payment Required', { ok: false, cause: 'wrong_status', detail: 'status 402' }],
      ['503 Service Unavailable', { ok: false, cause: 'wrong_status', detail: 'status 503' }],
    ] as const) {
      const address = await serve(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
      assert.deepEqual(await check(address), wanted);
    }
  });

  test('asks for the path at the host of the server, or at the named one', async () => {
    const requests: string[] = [];
    const bytes = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    const address = await serve(bytes, { onRequest: (request) => void requests.push(request) });
    await check(address, { path: '/ready?deep=1' });
    await check(address, { host: 'health.internal' });
    assert.match(requests[0] ?? '', /^GET \/ready\?deep=1 HTTP\/1\.1\r\n/);
    assert.match(requests[0] ?? '', /^host: app\.internal:81\r$/im);
    assert.match(requests[0] ?? '', /^connection: close\r$/im);
    assert.match(requests[1] ?? '', /^host: health\.internal\r$/im);
  });

  test('wants a whole response, and reads only a part of a long one', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: ';
    const torn = await serve(`${head}10\r\n\r\nabc`);
    assert.deepEqual(await check(torn), { ok: false, cause: 'reset', detail: 'ECONNRESET' });
    assert.deepEqual(await late(`${head}10\r\n\r\nabc`), {
      ok: false,
      cause: 'timeout',
      detail: 'no whole response in time',
    });
    const long = await serve(`${head}${2 ** 40}\r\n\r\n${'a'.repeat(128 * 1024)}`, { end: false });
    assert.deepEqual(await check(long), { ok: true, detail: 'status 200' });
  });

  test('fails where no HTTP/1.1 response comes', async () => {
    for (const [bytes, cause] of [
      ['', 'reset'],
      ['HTTP/1.1 200', 'reset'],
      ['SSH-2.0-OpenSSH_9.2\r\n', 'invalid_response'],
      [`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 'invalid_response'],
      ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na', 'invalid_response'],
      ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 'invalid_response'],
    ] as const) {
      const result = await check(await serve(bytes));
      assert.equal(result.ok ? 'ok' : result.cause, cause, bytes.slice(0, 40));
    }
    const silent = await late('');
    assert.deepEqual(silent, { ok: false, cause: 'timeout', detail: 'no whole response in time' });
  });

  test('reaches a unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'check-'));
    after(() => rmSync(folder, { recursive: true }));
    const address = await serve('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', {
      path: join(folder, 'app.sock'),
    });
    assert.deepEqual(await check(address), { ok: true, detail: 'status 200' });
    assert.deepEqual(await check({ path: join(folder, 'none.sock') }), {
      ok: false,
      cause: 'failed',
      detail: 'ENOENT',
    });
  });
});

describe('a check by a connection', () => {
  test('is enough where no path is named', async () => {
    assert.deepEqual(await check(await serve(''), { path: undefined }), {
      ok: true,
      detail: 'a connection was made',
    });
  });

  test('fails where none can be made', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    for (const path of [undefined, '/healthz']) {
      assert.deepEqual(await check({ host: '127.0.0.1', port }, { path }), {
        ok: false,
        cause: 'refused',
        detail: 'ECONNREFUSED',
      });
    }
    const abort = new AbortController();
    const checked = check(await serve(''), { path: undefined }, abort.signal);
    abort.abort();
    assert.deepEqual(await checked, { ok: false, cause: 'timeout', detail: 'no connection in time' });
  });

  test('is not tried for a name that has no address', async () => {
    for (const path of [undefined, '/healthz']) {
      assert.deepEqual(await check({ host: 'localhost', port: 1 }, { path }), {
        ok: false,
        cause: 'name_not_found',
        detail: 'its name has no known address',
      });
    }
  });
});
