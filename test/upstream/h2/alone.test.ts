import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { eventually, startGateway } from '../../support/gateway.ts';
import { request } from '../../support/wire.ts';

test('a request that authenticates its connection gets one of its own when the one in use is free', async () => {
  const held: ServerHttp2Stream[] = [];
  let sessions = 0;
  const server = createServer();
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
  const end = 'Connection: close\r\n\r\n';
  const get = 'GET /x HTTP/1.1\r\nHost: a\r\n';
  const first = request(gateway.port, get + end);
  await eventually(
    () => held.length,
    (count) => count === 1,
  );
  const alone = request(gateway.port, `${get}Authorization: Negotiate YII=\r\n${end}`);
  await eventually(
    () => gateway.connections(),
    (states) => states['waiting'] === 1,
  );
  held.pop()?.end('ok');
  await eventually(
    () => held.length,
    (count) => count === 1,
  );
  held.pop()?.end('ok');
  assert.deepEqual([(await first).status, (await alone).status, sessions], [200, 200, 2]);
  await gateway.close();
  server.close();
});
