// Source: envoyproxy/envoy#2929 (a server refuses an upload and closes with the body unread), and runs of Python's http.server behind the gateway.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Wire } from '../support/wire.ts';

/** Uploads of each size. */
const ROUNDS = 10;
const MIB = 1024 * 1024;
const sizes = [64 * 1024, MIB, 8 * MIB];

interface Rejecter {
  readonly port: number;
  close(): Promise<void>;
}

/** Responds to each request as soon as it has the head, reads nothing more, and closes: the kernel resets later bytes. */
async function startRejecter(response: string): Promise<Rejecter> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    socket.once('data', () => {
      socket.pause();
      socket.write(response, () => socket.destroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Python's own server has no `do_POST` here: it responds 501 and closes without reading the body. */
async function startPython(): Promise<Rejecter> {
  const program = [
    'from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer',
    'class Handler(BaseHTTPRequestHandler):',
    '    def log_message(self, *words): pass',
    "server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)",
    'print(server.server_address[1], flush=True)',
    'server.serve_forever()',
  ].join('\n');
  const child: ChildProcess = spawn('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [
    string,
  ];
  return {
    port: Number(line),
    async close() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

/** Uploads one body after another; the received statuses and their number. */
async function upload(gateway: TestGateway, size: number, chunked: boolean): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  const piece = 'x'.repeat(16 * 1024);
  for (let round = 0; round < ROUNDS; round += 1) {
    const wire = await Wire.open(gateway.port);
    const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`;
    wire.send(`POST /upload HTTP/1.1\r\nHost: a.example\r\n${framing}\r\n\r\n`);
    let waiting = true;
    const responded = wire.response().finally(() => {
      waiting = false;
    });
    responded.catch(() => {}); // Reported below; here it only must not end the process.
    for (let sent = 0; sent < size && waiting && !wire.closed; sent += piece.length) {
      wire.send(chunked ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece);
      await Promise.race([wire.sent(), responded.catch(() => {})]);
    }
    const { status } = await responded;
    seen[status] = (seen[status] ?? 0) + 1;
    wire.close();
  }
  return seen;
}

const responses: readonly (readonly [status: number, bytes: string])[] = [
  [413, 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge'],
  [401, 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'],
  [200, 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
];

for (const [status, bytes] of responses) {
  describe(`a server that answers ${status} and closes with the body unread`, () => {
    let upstream: Rejecter;
    let gateway: TestGateway;

    before(async () => {
      upstream = await startRejecter(bytes);
      gateway = await startGateway({ upstreamPort: upstream.port, routes: [{ auth: 'none' }] });
    });
    after(async () => {
      await gateway.close();
      await upstream.close();
    });

    for (const size of sizes) {
      test(`its response is delivered, ${size} bytes`, async () => {
        assert.deepEqual(await upload(gateway, size, false), { [status]: ROUNDS });
      });
    }

    test('its response is delivered, in chunks', async () => {
      assert.deepEqual(await upload(gateway, sizes[0] as number, true), { [status]: ROUNDS });
    });
  });
}

describe("Python's http.server", () => {
  let upstream: Rejecter;
  let gateway: TestGateway;

  before(async () => {
    upstream = await startPython();
    gateway = await startGateway({ upstreamPort: upstream.port, routes: [{ auth: 'none' }] });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  for (const size of sizes) {
    test(`its 501 to an upload of ${size} bytes is delivered`, async () => {
      assert.deepEqual(await upload(gateway, size, false), { 501: ROUNDS });
    });
  }
});

describe('a server that closes without a whole response', () => {
  for (const [name, bytes] of [
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 413 Content Too Large\r\nContent-'],
    ['an interim answer', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ] as const) {
    test(`after ${name}: 502 upstream_reset`, async () => {
      const upstream = await startRejecter(bytes);
      const gateway = await startGateway({ upstreamPort: upstream.port, routes: [{ auth: 'none' }] });
      assert.deepEqual(await upload(gateway, MIB, false), { 502: ROUNDS });
      assert.deepEqual(await gateway.outcomes(), { upstream_reset: ROUNDS });
      await gateway.close();
      await upstream.close();
    });
  }
});
