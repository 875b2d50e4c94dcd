// Source: an operator's report: an upstream that is down was invisible; three 502, no line in the log, `"healthy": true`.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { freePort } from '../../bench/probe.ts';
import type { Log } from '../../src/lib/log.ts';
import { Stand, until } from '../process/stand.ts';
import {
  eventually,
  retryDefaults,
  serverAt,
  startGateway,
  sums,
  type TestGateway,
} from '../support/gateway.ts';
import { request } from '../support/wire.ts';

interface Line {
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Keeps the lines about servers. */
class Lines implements Log {
  readonly all: Line[] = [];
  debug(): void {}
  info(): void {}
  error(): void {}
  warn(fields: object | string, message = ''): void {
    if (message.includes('upstream server')) this.all.push({ ...(fields as object), message });
  }
}

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** An upstream on a port that is known before it listens; `serve` gets each connection with a request on it. */
async function upstreamAt(port: number, serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => serve(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function server(gateway: TestGateway): Promise<Record<string, unknown>> {
  const status = (await (await fetch(`http://127.0.0.1:${gateway.adminPort}/status`)).json()) as {
    upstreams: { servers: Record<string, unknown>[] }[];
  };
  return status.upstreams[0]?.servers[0] ?? {};
}

const ask = async (gateway: TestGateway): Promise<number> => (await request(gateway.port, GET)).status;
const open = { routes: [{ auth: 'none' as const }] };

describe('an upstream server', () => {
  test('that refuses connections is reported once, with the cause, and reported when it is back', async () => {
    const port = await freePort();
    const log = new Lines();
    const gateway = await startGateway({ ...open, upstreamPort: port, log });
    let upstream: Server | undefined;
    try {
      assert.equal((await server(gateway))['state'], 'untried');
      for (let at = 0; at < 3; at += 1) assert.equal(await ask(gateway), 502);
      const address = `127.0.0.1:${port}`;
      assert.deepEqual(log.all, [
        { upstream: 'app', server: address, cause: 'refused', message: 'an upstream server is down' },
      ]);
      // An attempt to connect may be under way.
      const { since, connections, ...down } = await server(gateway);
      assert.equal(typeof connections, 'number');
      assert.deepEqual(down, {
        address,
        server: address,
        weight: 1,
        backup: false,
        mode: 'ready',
        healthy: false,
        state: 'down',
        cause: 'refused',
        failed: 3,
        ejected: null,
        health: { state: 'unchecked', since: null, fails: 0, last: null },
        lookup: null,
      });
      assert.ok(Math.abs(Date.parse(since as string) - Date.now()) < 600_000);
      const metrics = await (await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`)).text();
      assert.deepEqual(sums(metrics, 'portcullis_upstream_servers', 'state'), { down: 1 });
      // Its return is noticed without a request.
      upstream = await upstreamAt(port, (socket) => socket.write(OK));
      await until(
        () => server(gateway),
        ({ state }) => state === 'up',
      );
      await until(
        async () => log.all.length,
        (lines) => lines === 2,
      );
      const { seconds, ...up } = log.all[1] as Line;
      assert.deepEqual(up, {
        upstream: 'app',
        server: address,
        failed: 3,
        message: 'an upstream server is up again',
      });
      assert.equal(typeof seconds, 'number');
      assert.equal(await ask(gateway), 200);
      assert.equal((await server(gateway))['healthy'], true);
    } finally {
      await gateway.close();
      upstream?.close();
    }
  });

  test('with an unknown name is down for that cause', async () => {
    const log = new Lines();
    const upstreams = new Map([
      [
        'app',
        {
          name: 'app',
          servers: [serverAt(80, { address: { host: 'nowhere.invalid', port: 80 } })],
          timeouts: { connectMs: 20_000, responseMs: 60_000, idleMs: 60_000, keepAliveMs: 60_000 },
          limits: { connections: 256, waiting: 1024 },
          pipelining: 1,
          reuse: true,
          retries: retryDefaults,
        },
      ],
    ]);
    const gateway = await startGateway({ ...open, upstreamPort: 1, config: { upstreams }, log });
    try {
      assert.equal(await ask(gateway), 502);
      const [lookup, down] = log.all;
      assert.equal(lookup?.['why'], 'no such name (ENOTFOUND)');
      assert.equal(down?.['cause'], 'name_not_found');
      assert.equal((await server(gateway))['cause'], 'name_not_found');
    } finally {
      await gateway.close();
    }
  });

  test('that resets connections is down after three in a row, and up with the next response', async () => {
    const log = new Lines();
    let responses = true;
    const upstream = await upstreamAt(0, (socket) => {
      if (responses) socket.write(OK);
      else socket.resetAndDestroy();
    });
    const gateway = await startGateway({
      ...open,
      upstreamPort: (upstream.address() as AddressInfo).port,
      log,
    });
    try {
      assert.equal(await ask(gateway), 200);
      responses = false;
      // The first one may be retried on a new connection, whose end counts.
      assert.equal(await ask(gateway), 502);
      assert.equal(await ask(gateway), 502);
      assert.deepEqual(log.all, []);
      assert.equal((await server(gateway))['state'], 'up');
      assert.equal(await ask(gateway), 502);
      assert.equal(log.all[0]?.['cause'], 'reset');
      assert.equal((await server(gateway))['cause'], 'reset');
      responses = true;
      assert.equal(await ask(gateway), 200);
      assert.equal((await server(gateway))['state'], 'up');
    } finally {
      await gateway.close();
      upstream.close();
    }
  });

  test('that does not respond in time is down for that cause', async () => {
    const log = new Lines();
    const upstream = await upstreamAt(0, () => {});
    const { port } = upstream.address() as AddressInfo;
    const gateway = await startGateway({ ...open, upstreamPort: port, timeouts: { responseMs: 100 }, log });
    try {
      const statuses = await Promise.all([ask(gateway), ask(gateway), ask(gateway)]);
      assert.deepEqual(statuses, [504, 504, 504]);
      await eventually(
        () => log.all.length,
        (lines) => lines === 1,
      );
      assert.equal(log.all[0]?.['cause'], 'timeout');
    } finally {
      await gateway.close();
      upstream.close();
    }
  });

  test('that several processes find down is reported once', async () => {
    const port = await freePort();
    const stand = await Stand.start({ listeners: 2, auth: 'none', upstream: `http://127.0.0.1:${port}` });
    try {
      const statuses = await Promise.all(
        Array.from({ length: 24 }, async () => (await request(stand.port, GET)).status),
      );
      assert.deepEqual([...new Set(statuses)], [502]);
      const down = await until(
        async () => (await stand.status()) as unknown as { upstreams: { servers: { failed: number }[] }[] },
        ({ upstreams }) => upstreams[0]?.servers[0]?.failed === 24,
      );
      assert.equal(down.upstreams[0]?.servers[0]?.failed, 24);
      const told = (await stand.log())
        .split('\n')
        .filter((line) => line.includes('an upstream server is down'));
      assert.equal(told.length, 1);
      assert.match(told[0] as string, /"cause":"refused"/);
    } finally {
      await stand.stop();
    }
  });
});
