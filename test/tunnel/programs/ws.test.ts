// The library ws on both sides of a gateway.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { eventually, serverOf, type TestGateway } from '../../support/gateway.ts';
import { connectWs, startTunnels, type Talker, WsServer } from './ws-peers.ts';

const MiB = 1024 * 1024;

for (const overTls of [false, true]) {
  describe(`ws ${overTls ? 'over TLS' : 'in plain text'}`, () => {
    let upstream: WsServer;
    let gateway: TestGateway;
    before(async () => {
      upstream = await WsServer.start({ perMessageDeflate: true });
      gateway = await startTunnels(upstream.port, {}, overTls);
    });
    after(async () => {
      await gateway.close();
      await upstream.close();
    });

    /** Both ends of a new WebSocket. */
    async function open(
      options: Parameters<typeof connectWs>[1] = {},
    ): Promise<{ client: Talker; server: Talker }> {
      const headers = { authorization: gateway.bearer() };
      const client = await connectWs(gateway, { overTls, perMessageDeflate: false, headers, ...options });
      return { client, server: await upstream.talker() };
    }

    test('carries text, bytes and empty messages both ways', async () => {
      const { client, server } = await open();
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        from.socket.send('grüße, 世界');
        from.socket.send('');
        from.socket.send(Buffer.from([0, 0x88, 0xff]));
        assert.deepEqual(await to.next(), { data: Buffer.from('grüße, 世界'), isBinary: false });
        assert.deepEqual(await to.next(), { data: Buffer.alloc(0), isBinary: false });
        assert.deepEqual(await to.next(), { data: Buffer.from([0, 0x88, 0xff]), isBinary: true });
      }
      client.socket.terminate();
    });

    test('carries messages of 1 MiB, both ways at one time', async () => {
      const { client, server } = await open();
      const sent = Array.from({ length: 4 }, () => randomBytes(MiB));
      for (const data of sent) {
        client.socket.send(data);
        server.socket.send(data);
      }
      for (const data of sent) {
        assert.ok(data.equals((await server.next()).data));
        assert.ok(data.equals((await client.next()).data));
      }
      client.socket.terminate();
    });

    test('carries fragments, with a ping between them', async () => {
      const { client, server } = await open();
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        const ponged = once(from.socket, 'pong');
        from.socket.send('one ', { fin: false });
        from.socket.ping('between');
        from.socket.send('two ', { fin: false });
        from.socket.send('three', { fin: true });
        assert.equal(await to.text(), 'one two three');
        assert.equal(String((await ponged)[0]), 'between');
      }
      client.socket.terminate();
    });

    test('compresses where both sides agree, and only there', async () => {
      const { client, server } = await open({ perMessageDeflate: true });
      assert.equal(client.socket.extensions, 'permessage-deflate');
      assert.equal(server.socket.extensions, 'permessage-deflate');
      const text = 'the same words '.repeat(MiB / 16);
      client.socket.send(text);
      server.socket.send(text);
      assert.equal(await server.text(), text);
      assert.equal(await client.text(), text);
      const carried = server.request?.socket.bytesRead ?? Number.POSITIVE_INFINITY;
      assert.ok(carried < text.length / 10, `upstream has read ${carried} bytes`);
      client.socket.terminate();
      const { client: plain } = await open();
      assert.equal(plain.socket.extensions, '');
      plain.socket.terminate();
    });

    test('agrees to a subprotocol that the server chooses', async () => {
      const { client, server } = await open({ offers: ['chat', 'echo'] });
      assert.deepEqual([client.socket.protocol, server.socket.protocol], ['chat', 'chat']);
      client.socket.terminate();
    });

    test('carries codes and reasons of the end both ways', async () => {
      for (const [code, reason] of [
        [1000, ''],
        [1011, 'fault'],
        [4001, 'own'],
      ] as const) {
        const first = await open();
        first.client.socket.close(code, reason);
        assert.deepEqual(await first.server.closed, [code, reason]);
        assert.deepEqual(await first.client.closed, [code, reason]);
        const second = await open();
        second.server.socket.close(code, reason);
        assert.deepEqual(await second.client.closed, [code, reason]);
        assert.deepEqual(await second.server.closed, [code, reason]);
      }
    });

    test('lets the other side see that one is cut off', async () => {
      const first = await open();
      first.client.socket.terminate();
      assert.deepEqual(await first.server.closed, [1006, '']);
      const second = await open();
      second.server.socket.terminate();
      assert.deepEqual(await second.client.closed, [1006, '']);
      await eventually(
        () => serverOf(gateway).tunnels.size,
        (size) => size === 0,
      );
    });

    test('has many at one time, each with its own messages', async () => {
      const pairs = await Promise.all(
        Array.from({ length: 100 }, async (_, at) => {
          const client = await connectWs(gateway, {
            overTls,
            path: `/ws/${at}`,
            headers: { authorization: gateway.bearer() },
          });
          client.socket.send(`${at}`);
          return { client, at };
        }),
      );
      for (let count = 0; count < pairs.length; count += 1) {
        const server = await upstream.talker();
        server.socket.send(`${await server.text()} ${server.request?.url}`);
      }
      for (const { client, at } of pairs) {
        assert.equal(await client.text(), `${at} /ws/${at}`);
        client.socket.close();
      }
      await Promise.all(pairs.map(({ client }) => client.closed));
    });
  });
}
