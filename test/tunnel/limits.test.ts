import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { RouteConfig } from '../../src/config/config.ts';
import { eventually, serverOf, startGateway, type TestGateway } from '../support/gateway.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { request } from '../support/wire.ts';
import {
  accepting,
  asking,
  dial,
  type Ends,
  handshake,
  PeerServer,
  textFrame,
  tunnelOptions,
} from './peers.ts';

let upstream: PeerServer;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await PeerServer.start();
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

async function start(route: Partial<RouteConfig>, more: Partial<RouteConfig> = {}): Promise<void> {
  const other = { host: undefined, path: '/other', methods: undefined };
  const upgrade = ['websocket'];
  const routes = [
    { upgrade, ...route },
    { upgrade, ...route, name: '/other', match: other, ...more },
  ];
  gateway = await startGateway(tunnelOptions(upstream, { routes, config: { revocation } }));
}

async function open(claims: Record<string, unknown> = {}, path = '/ws'): Promise<Ends> {
  return upstream.open(await dial(gateway.port), asking(gateway.bearer(claims), handshake(), path));
}

/** A side that has ended alone may still receive. */
function leave({ client, server }: Ends): void {
  client.socket.destroy();
  server.socket.destroy();
}

async function refused(claims: Record<string, unknown> = {}, path = '/ws'): Promise<void> {
  const { status, body } = await request(gateway.port, asking(gateway.bearer(claims), handshake(), path));
  assert.deepEqual([status, JSON.parse(body).code], [503, 'tunnels_exhausted']);
}

const tunnels = (): number => serverOf(gateway).tunnels.size;

describe('the tunnels of a route', () => {
  test('are bounded, and those of another route count for themselves', async () => {
    await start({ tunnels: { limit: 2 } });
    await open();
    const one = await open();
    await refused({ sub: 'another' });
    await open({}, '/other');
    leave(one);
    await eventually(tunnels, (count) => count === 2);
    await open();
    await refused();
  });

  test('are bounded for each subject, which an issuer and `sub` make', async () => {
    await start({ tunnels: { perSubject: 1 } });
    const one = await open({ sub: 'a' });
    await refused({ sub: 'a' });
    await refused({ sub: 'a', jti: 'another token' });
    await open({ sub: 'b' });
    await open({ sub: 'a' }, '/other');
    for (let count = 0; count < 3; count += 1) await open({ sub: undefined });
    leave(one);
    await eventually(tunnels, (count) => count === 5);
    await open({ sub: 'a' });
  });

  test('of two requests at a time one has the last place', async () => {
    await start({ tunnels: { perSubject: 1 } });
    const asked = [];
    for (let count = 0; count < 2; count += 1) {
      const client = await dial(gateway.port);
      client.send(asking(gateway.bearer()));
      const server = await upstream.peer();
      await server.until('\r\n\r\n');
      asked.push({ client, server });
    }
    for (const { server } of asked) server.send(accepting());
    const lines = [];
    for (const { client } of asked) lines.push((await client.until('\r\n')).trim());
    assert.deepEqual(lines.sort(), ['HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 503 Service Unavailable']);
  });

  test('outlive their token with `onExpiry.tunnels: keep`', async () => {
    await start({ onExpiry: { tunnels: 'keep', answers: 'keep' } }, { onExpiry: undefined });
    const kept = await open();
    const closed = await open({}, '/other');
    await revoke(gateway.adminPort, { sub: 'user' });
    await closed.client.end();
    kept.server.send(textFrame('still'));
    await kept.client.until(textFrame('still'));
    assert.equal(tunnels(), 1);
    assert.equal((await request(gateway.port, asking(gateway.bearer()))).status, 401);
  });
});
