import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { Authority } from '../support/authority.ts';
import {
  eventually,
  serverOf,
  startGateway,
  type TestGateway,
  type TestOptions,
} from '../support/gateway.ts';
import { certificateConfig, tlsConfig } from '../support/tls.ts';
import { upstreamTls } from '../support/upstream-tls.ts';
import { asking, dial, type Ends, Peer, PeerServer, tunnelOptions } from './peers.ts';

/** More than the kernel and Node.js hold on both connections. */
const MUCH = 48 * 1024 * 1024;

let upstream: PeerServer;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await PeerServer.start();
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

async function start(more: Partial<TestOptions> = {}): Promise<void> {
  gateway = await startGateway(tunnelOptions(upstream, more));
}

function open(client: Peer): Promise<Ends> {
  return upstream.open(client, asking(gateway.bearer()));
}

/** Lets one side send much while the other reads nothing, then reads. */
async function flood(from: Peer, to: Peer): Promise<void> {
  to.socket.pause();
  from.socket.write(Buffer.alloc(MUCH, 'x'));
  let before = -1;
  // It stands still when every buffer on the way is full.
  await eventually(
    async () => {
      const held = from.socket.writableLength;
      const stood = held === before;
      before = held;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return stood && held > 0;
    },
    (stands) => stands,
  );
  assert.ok(from.socket.writableLength > MUCH / 2, `${from.socket.writableLength} bytes were kept back`);
  to.socket.resume();
  await eventually(
    () => to.received.length,
    (length) => length >= MUCH,
  );
  assert.equal(to.received.length, MUCH);
  to.received = '';
}

describe('a tunnel', () => {
  test('keeps a sender back whose receiver is slow, in both directions', async () => {
    await start();
    const { client, server } = await open(await dial(gateway.port));
    await flood(server, client);
    await flood(client, server);
    assert.equal(serverOf(gateway).tunnels.size, 1);
  });

  test('carries bytes both ways through TLS to both sides', async () => {
    const authority = new Authority('root');
    const issued = authority.issue({ names: ['a.example'] });
    const secured = createTlsServer({ key: issued.key, cert: issued.cert }, (socket) => {
      // What the tests play by hand is behind it.
      const inner = connectPlain(upstream.port, '127.0.0.1');
      socket.on('error', () => inner.destroy());
      inner.on('error', () => socket.destroy());
      socket.pipe(inner).pipe(socket);
    });
    secured.listen(0, '127.0.0.1');
    await once(secured, 'listening');
    const tls = tlsConfig([certificateConfig(issued)]);
    await start({
      upstreamPort: (secured.address() as { port: number }).port,
      upstreamTls: upstreamTls(authority.cert, { serverName: 'a.example' }),
      config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls }] },
    });
    const socket: TLSSocket = connectTls({
      port: gateway.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
    });
    await once(socket, 'secureConnect');
    const { client, server } = await open(new Peer(socket));
    await flood(server, client);
    await flood(client, server);
    server.socket.end();
    await client.end();
    secured.close();
  });
});
