import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Admin, startAdmin } from '../../src/admin/server.ts';
import { request, Wire } from '../support/wire.ts';
import { FakeView } from './fake-view.ts';

const portOf = (admin: Admin): number => Number(admin.address.slice(admin.address.lastIndexOf(':') + 1));
const line = (first: string): string => `${first}\r\nHost: admin\r\n\r\n`;

/** A server to which no request has gone. */
const untried = { state: 'untried', cause: null, since: null, failed: 0, connections: 0, ejected: null };

describe('the admin address', () => {
  const view = new FakeView();
  let admin: Admin;
  let port: number;

  before(async () => {
    admin = await startAdmin({ host: '127.0.0.1', port: 0, hosts: ['admin', 'a'], view });
    port = portOf(admin);
  });
  after(() => admin.close());
  beforeEach(() => {
    view.faults.length = 0;
    view.reasonsNotReady = [];
  });

  test('reports the port that the system chose', () => {
    assert.match(admin.address, /^127\.0\.0\.1:[1-9]\d*$/);
  });

  test('replies 200 to /healthz while the process lives', async () => {
    const reply = await request(port, line('GET /healthz HTTP/1.1'));
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('cache-control'), 'no-store');
    assert.equal(reply.headers.get('content-type'), 'application/json; charset=utf-8');
    assert.deepEqual(JSON.parse(reply.body), { status: 'ok' });
  });

  test('gives an HTTP/1.0 check without a Host its reply and the end of the connection', async () => {
    const wire = await Wire.open(port);
    wire.send('GET /healthz HTTP/1.0\r\n\r\n');
    assert.match(await wire.untilClosed(), /^HTTP\/1\.1 200 OK\r\n/);
    wire.close();
  });

  test('replies 200 to /readyz when nothing is missing, 503 with the list otherwise', async () => {
    const ready = await request(port, line('GET /readyz HTTP/1.1'));
    assert.equal(ready.status, 200);
    assert.deepEqual(JSON.parse(ready.body), { ready: true, notReady: [] });

    view.reasonsNotReady = [{ what: 'issuer fusionauth', why: 'no keys yet' }];
    const waiting = await request(port, line('GET /readyz HTTP/1.1'));
    assert.equal(waiting.status, 503);
    assert.deepEqual(JSON.parse(waiting.body), {
      ready: false,
      notReady: [{ what: 'issuer fusionauth', why: 'no keys yet' }],
    });
  });

  test('shows in /status the named figures and nothing else', async () => {
    view.reasonsNotReady = [];
    const reply = await request(port, line('GET /status?verbose HTTP/1.1'));
    assert.equal(reply.status, 200);
    assert.deepEqual(JSON.parse(reply.body), {
      version: '1.2.3',
      startedAt: '2001-09-09T01:46:40.000Z',
      uptimeSeconds: 12,
      addresses: ['127.0.0.1:8080'],
      listen: [
        {
          address: '127.0.0.1:8080',
          engine: 'node',
          reason: 'tls',
          protocols: ['h2', 'http/1.1'],
          tls: { minVersion: 'TLSv1.2', clientCertificates: 'required' },
        },
        { address: '127.0.0.1:8081', engine: null, reason: null, protocols: ['http/1.1'], tls: null },
      ],
      configuration: {
        file: '/etc/portcullis.yaml',
        loadedAt: '2001-09-09T01:46:40.000Z',
        lastReload: { at: '2001-09-09T01:47:40.000Z', ok: false, faults: ['f:1:1: listen: is missing'] },
      },
      listeners: [
        {
          pid: 71,
          state: 'serving',
          uptimeSeconds: 8,
          connections: 5,
          cpuSeconds: 1.25,
          residentBytes: 1000,
          loopDelaySeconds: 0.002,
        },
        {
          pid: 72,
          state: 'draining',
          uptimeSeconds: 8,
          connections: 4,
          cpuSeconds: 1.25,
          residentBytes: 1000,
          loopDelaySeconds: 0.002,
        },
      ],
      notReady: [],
      connections: { open: 9, h2: 2 },
      tunnels: [{ route: '/ws', open: 4 }],
      rateLimits: [{ name: 'per-user', keys: 4, refused: 9 }],
      routes: [
        { name: '/', issuers: ['fusionauth'], upstream: 'app', outcomes: { '200': 3 } },
        { name: '/public', issuers: [], upstream: 'app', outcomes: {} },
      ],
      upstreams: [
        {
          name: 'app',
          servers: [
            {
              address: '127.0.0.1:9000',
              server: 'app.internal:9000',
              weight: 1,
              backup: false,
              mode: 'ready',
              healthy: false,
              state: 'down',
              cause: 'refused',
              since: '2001-09-09T01:46:41.000Z',
              failed: 3,
              connections: 3,
              ejected: { until: '2001-09-09T01:46:50.000Z', cause: 'unavailable', times: 2 },
              health: { state: 'unchecked', since: null, fails: 0, last: null },
              lookup: null,
            },
            {
              address: '127.0.0.2:9000',
              server: 'app.internal:9000',
              weight: 1,
              backup: false,
              mode: 'ready',
              healthy: false,
              ...untried,
              health: {
                state: 'unhealthy',
                since: '2001-09-09T01:46:42.000Z',
                fails: 4,
                last: {
                  result: 'wrong_status',
                  detail: 'status 503',
                  at: '2001-09-09T01:46:43.000Z',
                  seconds: 1.235,
                },
              },
              lookup: { lastError: 'no such name (ENOTFOUND)', nextSeconds: 1 },
            },
            {
              address: '127.0.0.3:9000',
              server: 'app.internal:9000',
              weight: 2,
              backup: true,
              mode: 'drain',
              healthy: true,
              ...untried,
              health: { state: 'healthy', since: '2001-09-09T01:46:42.000Z', fails: 0, last: null },
              lookup: { lastError: null, nextSeconds: null },
            },
            {
              address: '127.0.0.4:9000',
              server: 'app.internal:9000',
              weight: 1,
              backup: false,
              mode: 'down',
              healthy: true,
              ...untried,
              health: { state: 'unchecked', since: null, fails: 0, last: null },
              lookup: null,
            },
          ],
        },
      ],
      certificates: [
        {
          address: '0.0.0.0:443',
          name: 'a.example',
          names: ['a.example', '*.a.example'],
          validTo: '2001-09-19T01:46:40.000Z',
          daysLeft: 10,
          stapling: { until: '2001-09-10T01:46:40.000Z', lastError: null },
        },
      ],
      keySets: [
        {
          issuer: 'fusionauth',
          source: 'https://idp.example/keys',
          kids: ['k1'],
          ageSeconds: 3,
          nextRefreshSeconds: 59,
          lastError: null,
          ignored: ['keys[1] is ignored: its "use" is not sig'],
        },
        {
          issuer: 'down',
          source: 'https://down.example/keys',
          kids: [],
          ageSeconds: null,
          nextRefreshSeconds: null,
          lastError: 'https://down.example/keys cannot be reached (ECONNREFUSED)',
          ignored: [],
        },
      ],
      revocations: { entries: 3, fromRedis: 1, oldest: '2001-09-09T01:46:40.000Z', newest: null },
      cache: { entries: 4, hits: 7, misses: 2 },
    });
    assert.doesNotMatch(reply.body, /hidden/);
  });

  test('sends only the head for HEAD', async () => {
    const get = await request(port, line('GET /status HTTP/1.1'));
    const wire = await Wire.open(port);
    wire.send(line('HEAD /status HTTP/1.1') + line('GET /healthz HTTP/1.1'));
    const head = await wire.response({ toHead: true });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-length'), get.headers.get('content-length'));
    assert.equal((await wire.response()).body, '{"status":"ok"}\n');
    wire.close();
  });

  test('replies 405 with Allow to other methods, 404 to other paths', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
      const reply = await request(port, line(`${method} /healthz HTTP/1.1`));
      assert.equal(reply.status, 405, method);
      assert.equal(reply.headers.get('allow'), 'GET, HEAD');
    }
    for (const path of ['/page', '/page/../status', '/healthz/', '/metrics/x', '//healthz', '/__proto__']) {
      const reply = await request(port, line(`GET ${path} HTTP/1.1`));
      assert.equal(reply.status, 404, path);
      assert.equal(JSON.parse(reply.body).error, 'not found');
      assert.equal(reply.headers.get('cache-control'), 'no-store');
    }
  });

  test('refuses a request head over 8 KiB and ends the connection', async () => {
    const reply = await request(
      port,
      `GET /healthz HTTP/1.1\r\nHost: admin\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`,
    );
    assert.equal(reply.status, 431);
    assert.equal(reply.closed, true);
  });

  test('reports an error in a page to the gateway and not to the client', async () => {
    view.failWith = new Error('secret detail');
    try {
      const reply = await request(port, line('GET /status HTTP/1.1'));
      assert.equal(reply.status, 500);
      assert.doesNotMatch(reply.raw, /secret/);
      assert.deepEqual(view.faults, [view.failWith]);
    } finally {
      view.failWith = undefined;
    }
  });
});

test('an admin address whose port is taken rejects with the unchanged listen error', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = other.address() as AddressInfo;
    await assert.rejects(startAdmin({ host: '127.0.0.1', port, view: new FakeView() }), {
      code: 'EADDRINUSE',
      port,
    });
  } finally {
    other.close();
  }
});

// Milliseconds; below the server's own time-out for silent connections, which would end them as well.
const closePatience = { timeout: 10_000 };

test(
  'close ends idle and incomplete connections at once, and may be called twice',
  closePatience,
  async () => {
    const admin = await startAdmin({
      host: '127.0.0.1',
      port: 0,
      hosts: ['admin', 'a'],
      view: new FakeView(),
    });
    const idle = await Wire.open(portOf(admin));
    idle.send(line('GET /healthz HTTP/1.1'));
    assert.equal((await idle.response()).status, 200);
    const half = await Wire.open(portOf(admin));
    half.send('GET /healthz HTTP/1.1\r\nHo');
    const served = await request(portOf(admin), line('GET /healthz HTTP/1.1'));
    assert.equal(served.status, 200);
    await Promise.all([admin.close(), admin.close()]);
    assert.equal(await idle.untilClosed(), '');
    assert.equal(await half.untilClosed(), '');
    idle.close();
    half.close();
    await assert.rejects(Wire.open(portOf(admin)), { code: 'ECONNREFUSED' });
  },
);

test('one connection too many of a peer closes its oldest idle one, and the newest is served', async () => {
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    hosts: ['admin', 'a'],
    view: new FakeView(),
  });
  const wires: Wire[] = [];
  try {
    for (let count = 0; count < 17; count += 1) {
      const wire = await Wire.open(portOf(admin));
      wires.push(wire);
      wire.send(line('GET /healthz HTTP/1.1'));
      assert.equal((await wire.response()).status, 200);
    }
    assert.equal(await wires[0]?.untilClosed(), '');
    for (const wire of wires.slice(1)) {
      wire.send(line('GET /healthz HTTP/1.1'));
      assert.equal((await wire.response()).status, 200);
    }
  } finally {
    for (const wire of wires) wire.close();
    await admin.close();
  }
});
