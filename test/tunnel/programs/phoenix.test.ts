// Clients that keep a WebSocket open by heartbeats, as those of Phoenix's channels do.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually, serverOf, type TestGateway } from '../../support/gateway.ts';
import { connectWs, startTunnels, type Talker, WsServer } from './ws-peers.ts';

/** Milliseconds without a byte after which a tunnel ends: many heartbeats, so that a busy machine misses none of them. */
const IDLE_MS = 3_000;
const HEARTBEAT_MS = 200;

/** A message of the serializer of version 2: join reference, reference, topic, event, payload. */
type Message = readonly [join: string | null, ref: string, topic: string, event: string, payload: unknown];

/** Answers as a socket of Phoenix does: joins and heartbeats with `ok`. */
function serve(talker: Talker): void {
  talker.socket.on('message', (data) => {
    const [join, ref, topic, event] = JSON.parse(String(data)) as Message;
    const known = event === 'phx_join' || (topic === 'phoenix' && event === 'heartbeat');
    const payload = { status: known ? 'ok' : 'error', response: {} };
    talker.socket.send(JSON.stringify([join, ref, topic, 'phx_reply', payload] satisfies Message));
  });
}

/** A client of channels. */
class Channels {
  readonly #talker: Talker;
  #ref = 0;

  constructor(talker: Talker) {
    this.#talker = talker;
  }

  /** Sends a message, and resolves with the payload of its reply. */
  async push(topic: string, event: string, join: string | null = null): Promise<unknown> {
    this.#ref += 1;
    const ref = `${this.#ref}`;
    this.#talker.socket.send(JSON.stringify([join, ref, topic, event, {}] satisfies Message));
    const reply = JSON.parse(await this.#talker.text()) as Message;
    assert.deepEqual(reply.slice(0, 4), [join, ref, topic, 'phx_reply']);
    return reply[4];
  }
}

describe("heartbeats of Phoenix's channels", () => {
  let upstream: WsServer;
  let gateway: TestGateway;
  before(async () => {
    upstream = await WsServer.start({}, serve);
  });
  after(() => upstream.close());
  afterEach(() => gateway.close());

  const ok = { status: 'ok', response: {} };

  async function join(): Promise<{ talker: Talker; channels: Channels }> {
    gateway = await startTunnels(upstream.port, { config: { timeouts: { tunnelMs: IDLE_MS } } });
    const talker = await connectWs(gateway, {
      path: '/socket/websocket?vsn=2.0.0',
      headers: { authorization: gateway.bearer() },
    });
    const channels = new Channels(talker);
    assert.deepEqual(await channels.push('room:lobby', 'phx_join', '1'), ok);
    return { talker, channels };
  }

  test('keep a WebSocket open for longer than the time for which nothing may move', async () => {
    const { talker, channels } = await join();
    const until = performance.now() + IDLE_MS * 1.5;
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_MS));
      assert.deepEqual(await channels.push('phoenix', 'heartbeat'), ok);
    }
    assert.equal(serverOf(gateway).tunnels.size, 1);
    talker.socket.close(1000);
    assert.deepEqual(await talker.closed, [1000, '']);
  });

  test('that stop let it end with 1001', async () => {
    const { talker, channels } = await join();
    assert.deepEqual(await channels.push('phoenix', 'heartbeat'), ok);
    assert.deepEqual(await talker.closed, [1001, 'tunnel_idle']);
    await eventually(
      () => serverOf(gateway).tunnels.size,
      (size) => size === 0,
    );
  });
});
