// What each peer of a WebSocket sees of the end of the other, and of an end by the gateway.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { closeOf, FrameReader } from '../soak/websocket-frames.ts';
import { eventually, serverOf, startGateway, type TestGateway } from '../support/gateway.ts';
import { revocation, revoke } from '../support/revocation.ts';
import {
  asking,
  closing,
  dial,
  type Ends,
  type Peer,
  PeerServer,
  textFrame,
  tunnelOptions,
} from './peers.ts';

/** A text frame as a client sends it, with a mask that changes nothing. */
const fromClient = (text: string): string => `\x81${String.fromCharCode(0x80 + text.length)}\0\0\0\0${text}`;

let upstream: PeerServer;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await PeerServer.start();
  gateway = await startGateway(tunnelOptions(upstream, { config: { revocation } }));
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

async function open(): Promise<Ends> {
  return upstream.open(await dial(gateway.port), asking(gateway.bearer()));
}

/** The reasons of the tunnels that have ended, when none is left. */
async function ends(): Promise<readonly string[]> {
  const { tunnels } = serverOf(gateway);
  await eventually(
    () => tunnels.size,
    (size) => size === 0,
  );
  return [...tunnels.ends.members.keys()];
}

describe('upstream, at the end of a token,', () => {
  test('gets a Close frame with the status of the client, masked, behind a whole frame', async () => {
    const { client, server } = await open();
    client.send(fromClient('hello'));
    await server.until(fromClient('hello'));
    await revoke(gateway.adminPort, { sub: 'user' });
    assert.equal(await client.end(), closing(1008, 'token_revoked'));
    const bytes = Buffer.from(await server.end(), 'latin1');
    const [frame, ...more] = new FrameReader().push(bytes);
    assert.ok(frame !== undefined && more.length === 0);
    assert.deepEqual([frame.first, closeOf(frame)], [0x88, { code: 1008, reason: 'token_revoked' }]);
    assert.equal(bytes.readUInt8(1) >= 0x80, true, 'it is masked');
  });

  test('gets none in the middle of a frame of the client, and none behind its Close frame', async () => {
    const all = ['\x81\x85\0\0\0\0he', '\x88\x80\0\0\0\0'];
    const pairs: { client: Peer; server: Peer }[] = [];
    for (const sent of all) {
      const pair = await open();
      pair.client.send(sent);
      await pair.server.until(sent);
      pairs.push(pair);
    }
    await revoke(gateway.adminPort, { sub: 'user' });
    for (const { client, server } of pairs) {
      assert.equal(await client.end(), closing(1008, 'token_revoked'));
      assert.equal(await server.end(), '');
    }
  });
});

describe('a reset of upstream', () => {
  test('reaches the client as a reset', async () => {
    const { client, server } = await open();
    server.send(textFrame('hello'));
    await client.until(textFrame('hello'));
    server.socket.resetAndDestroy();
    await client.end();
    assert.equal(client.wasReset, true);
    assert.deepEqual(await ends(), ['upstream_reset']);
  });

  test('is an end in order behind a Close frame of upstream', async () => {
    const { client, server } = await open();
    server.send(closing(1000, 'bye'));
    await client.until(closing(1000, 'bye'));
    server.socket.resetAndDestroy();
    assert.equal(await client.end(), '');
    assert.equal(client.wasReset, false);
    assert.deepEqual(await ends(), ['upstream_closed']);
  });
});
