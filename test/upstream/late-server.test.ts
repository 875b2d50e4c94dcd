import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { test } from 'node:test';
import { addressText } from '../../src/http/host-port.ts';
import { ticks } from '../../src/upstream/ticks.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';
import { eventually, serverAt, serverOf, startGateway } from '../support/gateway.ts';
import { request } from '../support/wire.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const RESPONSE_MS = 500;

interface Response {
  end(body: string): void;
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

for (const protocol of ['http/1.1', 'h2'] as const) {
  test(`a server that joins later has the whole time-out for its first response (${protocol})`, async () => {
    const make = (respondTo: (response: Response) => void): Server =>
      protocol === 'h2'
        ? createHttp2Server((_, response) => respondTo(response))
        : createServer((_, response) => respondTo(response));
    let respond: (() => void) | undefined;
    const early = make((response) => response.end('ok'));
    const late = make((response) => {
      respond = () => response.end('ok');
    });
    const name = serverAt(80, { address: { host: 'app.invalid', port: 80 }, protocol });
    const gateway = await startGateway({
      routes: [{ auth: 'none' }],
      upstreamPort: 80,
      upstreamHost: 'app.invalid',
      server: { protocol },
      timeouts: { responseMs: RESPONSE_MS },
    });
    try {
      const upstream = serverOf(gateway).service.upstreams.get('app') as Upstream;
      const hasAddress = async (server: Server): Promise<void> => {
        const address = { host: '127.0.0.1', port: await portOf(server) };
        upstream.take([{ server: addressText(name.address), address, mode: 'ready', healthy: true }]);
      };
      const ticked = (count: number): Promise<unknown> =>
        eventually(
          () => upstream.tick,
          (tick) => tick >= count,
        );
      await hasAddress(early);
      assert.equal((await request(gateway.port, GET)).status, 200);
      // Ticks pass as long as the connection stays open.
      await ticked(2 * ticks(RESPONSE_MS));
      await hasAddress(late);
      const response = request(gateway.port, GET);
      await eventually(
        () => respond,
        (held) => held !== undefined,
      );
      await ticked(upstream.tick + 2);
      respond?.();
      assert.equal((await response).status, 200);
    } finally {
      await gateway.close();
      for (const server of [early, late]) server.close();
    }
  });
}
