import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import type { UpstreamServer } from '../../src/config/upstream-config.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { request, type WireResponse } from '../support/wire.ts';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A server that holds its requests. */
class Holder {
  /** Ends the requests that it holds. */
  readonly held: (() => void)[] = [];
  /** Requests that have come. */
  count = 0;
  /** Requests at one time, at most. */
  most = 0;
  readonly #server: Server | Http2Server;

  private constructor(protocol: UpstreamServer['protocol']) {
    this.#server =
      protocol === 'h2'
        ? createHttp2Server({ settings: { maxConcurrentStreams: 1 } })
        : createServer((_, response) => this.#hold(() => endHttp(response)));
    if (protocol === 'h2') {
      this.#server.on('stream', (stream: ServerHttp2Stream) => {
        stream.on('error', () => {});
        this.#hold(() => {
          stream.respond({ ':status': 200 });
          stream.end('ok');
        });
      });
    }
  }

  static async start(protocol: UpstreamServer['protocol']): Promise<Holder> {
    const holder = new Holder(protocol);
    const server = holder.#server;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(() => {
      if ('closeAllConnections' in server) server.closeAllConnections();
      server.close();
      return once(server, 'close');
    });
    return holder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #hold(end: () => void): void {
    this.count += 1;
    this.held.push(end);
    this.most = Math.max(this.most, this.held.length);
  }
}

function endHttp(response: ServerResponse): void {
  response.end('ok');
}

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

for (const protocol of ['http/1.1', 'h2'] as const) {
  describe(`servers of ${protocol} with all connections in use`, () => {
    /** A gateway, its servers, and the requests that they hold. */
    async function start(
      count: number,
      limits: { connections: number; waiting: number },
      server: Partial<UpstreamServer> = {},
    ) {
      const holders: Holder[] = [];
      for (let at = 0; at < count; at += 1) holders.push(await Holder.start(protocol));
      const [upstreamPort, ...upstreamPorts] = holders.map(({ port }) => port) as [number, ...number[]];
      const gateway = await startGateway({
        upstreamPort,
        upstreamPorts,
        limits,
        routes: [{ auth: 'none' }],
        server: { protocol, ...server },
      });
      open.push(() => gateway.close());
      const all = (): number => holders.reduce((sum, holder) => sum + holder.count, 0);
      /** Sends requests one after another, each once the one before is held. */
      const hold = async (requests: number): Promise<Promise<WireResponse>[]> => {
        const responses: Promise<WireResponse>[] = [];
        for (let at = 0; at < requests; at += 1) {
          const before = all();
          responses.push(request(gateway.port, GET));
          await eventually(all, (seen) => seen === before + 1);
        }
        return responses;
      };
      return { gateway, holders, all, hold };
    }

    async function refusedAtOnce(gateway: TestGateway): Promise<void> {
      const { status, headers, body } = await request(gateway.port, GET);
      assert.deepEqual([status, JSON.parse(body).code], [503, 'upstream_overloaded']);
      assert.equal(headers.get('retry-after'), '1');
    }

    async function servesAll(
      responses: readonly Promise<WireResponse>[],
      holders: readonly Holder[],
    ): Promise<void> {
      let isOver = false;
      const statuses = Promise.all(responses.map(async (one) => (await one).status)).finally(() => {
        isOver = true;
      });
      await eventually(
        () => {
          for (const { held } of holders) for (const end of held.splice(0)) end();
          return isOver;
        },
        (over) => over,
      );
      assert.deepEqual(new Set(await statuses), new Set([200]));
    }

    test('refuse at once with waiting: 0, and serve again when one is free', async () => {
      const { gateway, holders, all, hold } = await start(3, { connections: 3, waiting: 0 });
      const responses = await hold(3);
      for (let count = 0; count < 5; count += 1) await refusedAtOnce(gateway);
      assert.equal(all(), 3);
      await servesAll(responses, holders);
      await servesAll(await hold(1), holders);
    });

    test('refuse at once where each server has its own limit, below that of the upstream', async () => {
      const { gateway, holders, all, hold } = await start(
        2,
        { connections: 10, waiting: 0 },
        { connections: 1 },
      );
      const responses = await hold(2);
      assert.deepEqual(
        holders.map(({ count }) => count),
        [1, 1],
      );
      await refusedAtOnce(gateway);
      assert.equal(all(), 2);
      await servesAll(responses, holders);
    });

    test('let as many requests wait as `waiting` says, for any server, within the limit of each', async () => {
      const { gateway, holders, all, hold } = await start(
        2,
        { connections: 10, waiting: 3 },
        { connections: 1 },
      );
      const responses = await hold(2);
      const waiting: Promise<WireResponse>[] = [];
      for (let count = 1; count <= 3; count += 1) {
        waiting.push(request(gateway.port, GET));
        await eventually(
          () => gateway.connections(),
          (states) => states['waiting'] === count,
        );
      }
      await refusedAtOnce(gateway);
      assert.equal(all(), 2);
      // The server that is free first gets the request that has waited longest.
      for (const end of holders[0]?.held.splice(0) ?? []) end();
      await eventually(all, (seen) => seen === 3);
      assert.equal(holders[0]?.count, 2);
      await servesAll([...responses, ...waiting], holders);
      assert.deepEqual(
        holders.map(({ most }) => most),
        [1, 1],
      );
    });
  });
}
