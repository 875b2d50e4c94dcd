import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nodeVersion, sharesPorts } from '../../src/lib/node-version.ts';
import { accepting, asking, closing, dial, type Peer, PeerServer, textFrame } from '../tunnel/peers.ts';
import { Stand, until } from './stand.ts';

/** Other versions of Node.js start no such gateway. */
const onSuch = sharesPorts(nodeVersion) ? describe : () => {};

onSuch('the WebSockets of a gateway with several listeners', () => {
  let upstream: PeerServer;
  let stand: Stand;
  const config = (path = '/'): object => ({
    listen: '127.0.0.1:0',
    listeners: 2,
    upstreams: { app: { servers: [`http://127.0.0.1:${upstream.port}`] } },
    routes: [{ match: { path }, auth: 'none', upstream: 'app', upgrade: ['websocket'] }],
    shutdown: { grace: '10s' },
  });

  before(async () => {
    upstream = await PeerServer.start();
    stand = await Stand.start(config(), {}, ['--accept-vulnerable-node']);
  });
  after(async () => {
    await stand.stop();
    await upstream.close();
  });

  async function open(): Promise<{ client: Peer; server: Peer }> {
    const client = await dial(stand.port);
    client.send(asking('Basic eDp5'));
    const server = await upstream.peer();
    await server.until('\r\n\r\n');
    server.send(accepting());
    await client.until('\r\n\r\n');
    return { client, server };
  }

  const count = (): Promise<number> => stand.metric('portcullis_tunnels');

  async function carries({ client, server }: { client: Peer; server: Peer }): Promise<void> {
    client.send('there');
    await server.until('there');
    server.send(textFrame('back'));
    await client.until(textFrame('back'));
  }

  test('are counted over all of them', async () => {
    const all = [await open(), await open(), await open()];
    assert.equal(await count(), 3);
    for (const { client, server } of all) {
      client.socket.end();
      await server.end();
      server.socket.end();
    }
    await until(count, (open) => open === 0);
    assert.equal(await stand.metric('portcullis_tunnel_ends_total'), 3);
  });

  test('go on over SIGHUP as long as their route is there', async () => {
    const tunnel = await open();
    await stand.told('SIGHUP', 'the configuration was reloaded');
    await carries(tunnel);
    stand.write(config('/elsewhere'));
    await stand.told('SIGHUP', 'the configuration was reloaded');
    assert.equal(await tunnel.client.end(), closing(1001, 'route_not_found'));
    stand.write(config());
    await stand.told('SIGHUP', 'the configuration was reloaded');
  });

  test('are asked to go by SIGUSR2, and come back to the new listeners', async () => {
    const tunnels = [await open(), await open(), await open(), await open()];
    const before = await stand.pids();
    stand.signal('SIGUSR2');
    for (const { client } of tunnels) {
      assert.equal(await client.end(), closing(1001, 'draining'));
      client.socket.end();
    }
    await stand.replaced(before);
    await carries(await open());
  });

  test('are asked to go by SIGTERM', async () => {
    const { client } = await open();
    stand.signal('SIGTERM');
    assert.equal(await client.end(), closing(1001, 'draining'));
    client.socket.end();
    const { code } = await stand.program.ended;
    assert.equal(code, 0);
  });
});
