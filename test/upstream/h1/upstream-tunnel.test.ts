import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { openSocket } from '../../../src/upstream/h1/open-socket.ts';
import { UpstreamTunnel } from '../../../src/upstream/h1/upstream-tunnel.ts';
import type { ServerState } from '../../../src/upstream/server-state.ts';

/** A tunnel to a server: the server's socket, what the tunnel reports, and its writing. */
async function open() {
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  let connected = (): void => {};
  const connecting = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const address = { host: '127.0.0.1', port };
  const socket = openSocket({ tls: undefined, address, readBuffer: Buffer.alloc(1024) }, () => true, {
    onConnect: () => connected(),
    onDrain: () => {},
    onEnd: () => tunnel.onEnd(),
    onLost: () => tunnel.onClosed(),
  });
  const state = { tunnels: 0 };
  const tunnel = new UpstreamTunnel(socket, Buffer.alloc(0), state as ServerState);
  await connecting;
  const end = new Promise<string>((resolve) => {
    const [onBytes, onDrained] = [() => {}, () => {}];
    tunnel.start({ onBytes, onDrained, onEnd: () => resolve('end'), onClosed: () => resolve('gone') });
  });
  const [server] = await accepted;
  server.on('error', () => {});
  const close = (): void => {
    tunnel.destroy();
    server.destroy();
    listener.close();
  };
  return { server, tunnel, state, end, close };
}

test('a reset that a write is the first to see is no end of the server', async () => {
  const { server, tunnel, state, end, close } = await open();
  // Both in one turn: the system tells the reset to the write, and an end to the read behind it.
  server.resetAndDestroy();
  tunnel.write(Buffer.from('x'));
  assert.equal(await end, 'gone');
  assert.equal(state.tunnels, 0);
  close();
});

test('a server that has ended its side, and then resets, has ended', async () => {
  const { server, tunnel, end, close } = await open();
  server.end();
  await once(server, 'finish');
  server.resetAndDestroy();
  tunnel.write(Buffer.from('x'));
  assert.equal(await end, 'end');
  close();
});
