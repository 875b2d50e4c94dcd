import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { WebSockets } from '../../bench/load/websockets.ts';
import { Placement } from '../../bench/placement.ts';
import { Subprocesses } from '../../bench/subprocesses.ts';
import { DOWNLOAD_PATH, Upstream } from '../../bench/upstream.ts';

/** Carries bytes to a server, and those of the server back with changes. */
class Mangler {
  /** Of what the server sends. */
  change = (bytes: Buffer): Buffer => bytes;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    this.#server = createServer((client) => {
      const server = connect(port, '127.0.0.1');
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          client.destroy();
          server.destroy();
        });
      }
      client.pipe(server);
      server.on('data', (bytes) => client.write(this.change(bytes)));
    });
  }

  async listen(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

describe("the benchmark's WebSockets", () => {
  let folder: string;
  let subprocesses: Subprocesses;
  let upstream: Upstream;
  let mangler: Mangler;
  let port: number;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'websockets-test-'));
    writeFileSync(join(folder, 'tokens'), 'a\nb\n');
    subprocesses = new Subprocesses(Placement.none());
    upstream = await Upstream.start(subprocesses, 'websocket-server');
    mangler = new Mangler(upstream.port);
    port = await mangler.listen();
  });
  afterEach(async () => {
    await mangler.close();
    await subprocesses.stopAll();
    rmSync(folder, { recursive: true });
  });

  const open = (path: string): Promise<WebSockets> =>
    WebSockets.open(subprocesses, { port, path, tokenFile: join(folder, 'tokens'), connections: 3 });

  test('count the echoes that the server has sent', async () => {
    const clients = await open('/echo');
    const before = await upstream.served();
    assert.equal(before, 3);
    const {
      completed,
      failures,
      open: left,
    } = await clients.do({ kind: 'echo', seconds: 0.2, connections: 3 });
    assert.equal(failures, 0);
    assert.ok(completed >= 3);
    assert.equal((await upstream.served()) - before, completed);
    assert.equal(left, 3);
    assert.equal((await clients.do({ kind: 'add', connections: 4 })).open, 7);
  });

  test('count the large messages that the server has sent, however they are cut', async () => {
    const clients = await open(DOWNLOAD_PATH);
    const before = await upstream.served();
    const { completed, failures } = await clients.do({ kind: 'download', messages: 60 });
    assert.equal(failures, 0);
    assert.equal(completed, 60);
    assert.equal((await upstream.served()) - before, 60);
  });

  test('count no message that has another byte', async () => {
    for (const path of ['/echo', DOWNLOAD_PATH]) {
      mangler.change = (bytes) => bytes;
      const clients = await open(path);
      mangler.change = (bytes) => {
        const at = bytes.length - 1;
        bytes[at] = (bytes[at] as number) ^ 1;
        return bytes;
      };
      const result = await clients.do(
        path === '/echo' ? { kind: 'echo', seconds: 0.1, connections: 3 } : { kind: 'download', messages: 3 },
      );
      assert.equal(result.failures, 3, path);
      assert.equal(result.open, 0, path);
    }
  });

  test('fail where no WebSocket opens', async () => {
    mangler.change = (bytes) => Buffer.from(bytes.toString('latin1').replace(' 101 ', ' 403 '), 'latin1');
    await assert.rejects(open('/echo'), /no WebSocket: HTTP\/1\.1 403/);
  });
});
