// Source: a field report: 4 workers, `connections: 16`, 8 long answers, and 503 in 2 of 6 rounds.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { Stand, until } from '../process/stand.ts';

/** An upstream that begins every response, holds it, and counts the concurrent ones. */
class Holding {
  peak = 0;
  readonly held: ServerResponse[] = [];
  readonly #server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Length': 4 });
    response.write('he');
    this.held.push(response);
    this.peak = Math.max(this.peak, this.held.length);
  });

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  letGo(count: number): void {
    for (const response of this.held.splice(0, count)) response.end('ld');
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Sends a request on its own connection; the status as soon as it comes, the socket stays open. */
async function ask(port: number, sockets: Socket[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return bytes.toString('latin1').slice(9, 12);
}

async function withStand(
  listeners: number,
  connections: number,
  body: (port: number, upstream: Holding, sockets: Socket[]) => Promise<void>,
): Promise<void> {
  const upstream = new Holding();
  const stand = await Stand.start({
    listeners,
    routes: [{ match: { path: '/' }, auth: 'none', upstream: 'app' }],
    upstreams: {
      app: { servers: [await upstream.start()], limits: { connections }, timeouts: { connect: '30s' } },
    },
  });
  const sockets: Socket[] = [];
  try {
    await body(stand.port, upstream, sockets);
  } finally {
    for (const socket of sockets) socket.destroy();
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  }
}

describe('the connections of an upstream', () => {
  test('are all usable, however the kernel spreads the clients over the processes', async () => {
    await withStand(4, 16, async (port, upstream, sockets) => {
      const statuses = await Promise.all(Array.from({ length: 16 }, () => ask(port, sockets)));
      assert.deepEqual([...new Set(statuses)], ['200']);
      assert.equal(upstream.held.length, 16);
      // One more waits until one is free, in any of the processes.
      const late = ask(port, sockets);
      upstream.letGo(1);
      assert.equal(await late, '200');
      assert.equal(upstream.peak, 16);
    });
  });

  test('are never more than the limit, and all waiting requests are served in the end', async () => {
    await withStand(4, 5, async (port, upstream, sockets) => {
      const asked = Array.from({ length: 24 }, () => ask(port, sockets));
      let settled = 0;
      for (const one of asked) void one.then(() => (settled += 1));
      while (settled < asked.length) {
        await until(
          async () => upstream.held.length + (settled === asked.length ? 1 : 0),
          (held) => held > 0,
        );
        upstream.letGo(upstream.held.length);
      }
      assert.deepEqual([...new Set(await Promise.all(asked))], ['200']);
      assert.ok(upstream.peak <= 5, `${upstream.peak} at once`);
    });
  });
});
