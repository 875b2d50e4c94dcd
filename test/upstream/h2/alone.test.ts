import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../../support/gateway.ts';
import { request, Wire } from '../../support/wire.ts';

const end = 'Connection: close\r\n\r\n';
const get = 'GET /x HTTP/1.1\r\nHost: a\r\n';
/** A request that authenticates its connection. */
const getAlone = `${get}Authorization: Negotiate YII=\r\n${end}`;

interface Scene {
  readonly gateway: TestGateway;
  /** Requests that the server has not answered. */
  readonly held: ServerHttp2Stream[];
  readonly sessions: () => number;
}

/** A gateway with one connection to its server. @param streams that the server takes at a time. */
async function start(t: TestContext, streams: number): Promise<Scene> {
  const held: ServerHttp2Stream[] = [];
  let sessions = 0;
  const server = createServer({ settings: { maxConcurrentStreams: streams } });
  server.on('session', () => {
    sessions += 1;
  });
  server.on('stream', (stream) => void held.push(stream));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gateway = await startGateway({
    upstreamPort: (server.address() as AddressInfo).port,
    server: { protocol: 'h2' },
    limits: { connections: 1, waiting: 10 },
    routes: [{ auth: 'none', connectionAuth: 'pass' }],
  });
  t.after(async () => {
    await gateway.close();
    server.close();
  });
  return { gateway, held, sessions: () => sessions };
}

const holds = ({ held }: Scene, wanted: number): Promise<number> =>
  eventually(
    () => held.length,
    (count) => count === wanted,
  );

const waiting = ({ gateway }: Scene, wanted: number): Promise<unknown> =>
  eventually(
    () => gateway.connections(),
    (states) => states['waiting'] === wanted,
  );

test('a request that authenticates its connection gets one of its own when the one in use is free', async (t) => {
  const scene = await start(t, 10);
  const { port } = scene.gateway;
  const first = request(port, get + end);
  await holds(scene, 1);
  const alone = request(port, getAlone);
  await waiting(scene, 1);
  scene.held.pop()?.end('ok');
  await holds(scene, 1);
  scene.held.pop()?.end('ok');
  assert.deepEqual([(await first).status, (await alone).status, scene.sessions()], [200, 200, 2]);
});

test('a request behind one that waits for a connection of its own is sent when that one leaves', async (t) => {
  const scene = await start(t, 2);
  const { port } = scene.gateway;
  const first = [request(port, get + end)];
  await holds(scene, 1);
  first.push(request(port, get + end));
  await holds(scene, 2);
  const alone = await Wire.open(port);
  alone.send(getAlone);
  await waiting(scene, 1);
  const behind = request(port, get + end);
  await waiting(scene, 2);
  // There is room for it now, and no event follows that would tell of it.
  scene.held.shift()?.end('ok');
  await first[0];
  await waiting(scene, 2);
  alone.reset();
  await holds(scene, 2);
  for (const stream of scene.held) stream.end('ok');
  assert.deepEqual([(await first[1])?.status, (await behind).status, scene.sessions()], [200, 200, 1]);
});
