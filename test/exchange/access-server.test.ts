import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway, type TestOptions } from '../support/gateway.ts';
import { recordingLog } from '../support/recording-log.ts';
import { request, Wire } from '../support/wire.ts';

const open: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    server.closeAllConnections();
    server.close();
    return once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

/** A port on which no server listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

interface Line {
  readonly outcome: string;
  readonly status: number | null;
  readonly server: string | null;
  readonly attempts?: number;
}

/** A gateway, and its access log once it has so many lines. */
async function start(
  options: TestOptions,
): Promise<{ gateway: TestGateway; lines: (count: number) => Promise<readonly Line[]> }> {
  const { log, lines } = recordingLog();
  const gateway = await startGateway({
    routes: [{ auth: 'none' }],
    reuse: false,
    ...options,
    log,
    config: { ...options.config, log: { level: 'info', access: 1 } },
  });
  open.push(() => gateway.close());
  return {
    gateway,
    lines: async (count) => {
      const all = await eventually(
        () => lines,
        ({ length }) => length >= count,
      );
      return all as readonly Line[];
    },
  };
}

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const at = (port: number): string => `127.0.0.1:${port}`;

describe('the access log names', () => {
  test('the server that a response came from, of several', async () => {
    const ports: number[] = [];
    for (let count = 0; count < 2; count += 1) {
      const port: number = await serve((_, response) => response.end(at(port)));
      ports.push(port);
    }
    const [upstreamPort, ...upstreamPorts] = ports as [number, number];
    const { gateway, lines } = await start({ upstreamPort, upstreamPorts });
    const bodies: string[] = [];
    for (let count = 0; count < 20; count += 1) bodies.push((await request(gateway.port, GET)).body);
    assert.equal(new Set(bodies).size, 2);
    assert.deepEqual(
      (await lines(20)).map(({ server }) => server),
      bodies,
    );
  });

  test('the server of the last attempt', async () => {
    const good = await serve((_, response) => response.end('ok'));
    const ill = await serve((_, response) => response.writeHead(503).end());
    const gone = await closedPort();
    const servers: Readonly<Record<number, number>> = { 200: good, 503: ill, 502: gone };
    const { gateway, lines } = await start({
      upstreamPort: good,
      upstreamPorts: [ill, gone],
      retries: { attempts: 2, budget: 1, on: ['connect', 'unavailable'] },
    });
    for (let count = 0; count < 30; count += 1) {
      const body = count % 2 === 0 ? '' : 'Content-Length: 5\r\n\r\nhello';
      await request(gateway.port, body === '' ? GET : `POST /x HTTP/1.1\r\nHost: a\r\n${body}`);
    }
    const all = await lines(30);
    assert.ok(all.some(({ attempts = 1 }) => attempts > 1));
    for (const { server, status } of all) assert.equal(server, at(servers[status ?? 0] as number));
  });

  test('the server that failed last', async () => {
    const [upstreamPort, other] = [await closedPort(), await closedPort()];
    const { gateway, lines } = await start({ upstreamPort, upstreamPorts: [other] });
    await request(gateway.port, 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
    const [line] = await lines(1);
    assert.deepEqual([line?.outcome, line?.attempts], ['upstream_unreachable', 2]);
    assert.ok([at(upstreamPort), at(other)].includes(line?.server ?? ''), `${line?.server}`);
  });

  test('the server that a request waits for when it ends', async () => {
    let asked = (): void => {};
    const held = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const upstreamPort = await serve(() => asked());
    const { gateway, lines } = await start({ upstreamPort });
    const wire = await Wire.open(gateway.port);
    wire.send(GET);
    await held;
    wire.reset();
    const [line] = await lines(1);
    assert.deepEqual([line?.outcome, line?.server], ['client_aborted', at(upstreamPort)]);
  });

  test('none where none was tried', async () => {
    const upstreamPort = await serve((_, response) => response.end('ok'));
    const { gateway, lines } = await start({
      upstreamPort,
      limits: { connections: 0, waiting: 0 },
      routes: [{}],
    });
    const token = `Authorization: ${gateway.bearer()}\r\n\r\n`;
    assert.equal((await request(gateway.port, GET.replace('\r\n\r\n', `\r\n${token}`))).status, 503);
    assert.equal((await request(gateway.port, GET)).status, 401);
    assert.deepEqual(
      (await lines(2)).map(({ outcome, server }) => [outcome, server]),
      [
        ['upstream_overloaded', null],
        ['token_missing', null],
      ],
    );
  });
});
