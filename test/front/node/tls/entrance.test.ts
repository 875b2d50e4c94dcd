import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { type Network, parseNetwork } from '../../../../src/http/networks.ts';
import { Authority } from '../../../support/authority.ts';
import {
  eventually,
  serverOf,
  startGateway,
  type TestGateway,
  testBearer,
} from '../../../support/gateway.ts';
import { Origin } from '../../../support/origin.ts';
import { binaryHeader, ipv4Addresses } from '../../../support/proxy-header.ts';
import { certificateConfig, connectTls, exchange, tlsConfig } from '../../../support/tls.ts';

const certificate = certificateConfig(new Authority('root').issue({ names: ['site.example'] }));
const TCP4 = 'PROXY TCP4 203.0.113.9 203.0.113.1 4711 443\r\n';
const BINARY = binaryHeader(0x21, 0x11, ipv4Addresses([203, 0, 113, 9], [203, 0, 113, 1], 4711, 443));

function request(more = ''): string {
  return `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${testBearer()}\r\n${more}Connection: close\r\n\r\n`;
}

let origin: Origin;
before(async () => {
  origin = await Origin.start();
  origin.serve((head) => {
    const field = (name: string): string => new RegExp(`${name}: (.*)\r`, 'i').exec(head)?.[1] ?? 'none';
    const seen = `${field('x-forwarded-proto')} ${field('x-forwarded-for')}`;
    return `HTTP/1.1 200 OK\r\nContent-Length: ${seen.length}\r\n\r\n${seen}`;
  });
});
after(() => origin.close());

function listenTo(trusted: readonly string[] | undefined, proxied: boolean): Promise<TestGateway> {
  return startGateway({
    upstreamPort: origin.port,
    config: {
      trustedProxies: trusted?.map((text) => parseNetwork(text) as Network),
      listen: [
        {
          host: '127.0.0.1',
          port: 0,
          engine: 'node',
          tls: tlsConfig([certificate]),
          ...(proxied ? { proxyProtocol: 'required' as const } : {}),
        },
      ],
    },
  });
}

describe('upstream sees https', () => {
  test('from a client, whatever it says, and what a trusted proxy says', async (t) => {
    const direct = await listenTo(undefined, false);
    t.after(() => direct.close());
    const behind = await listenTo(['127.0.0.1/32'], false);
    t.after(() => behind.close());
    const fields = 'X-Forwarded-Proto: http\r\nX-Forwarded-For: 198.51.100.7\r\n';
    for (const [gateway, more, seen] of [
      [direct, '', 'https 127.0.0.1'],
      [direct, fields, 'https 127.0.0.1'],
      [behind, '', 'https 127.0.0.1'],
      [behind, fields, 'http 198.51.100.7'],
    ] as const) {
      const response = await exchange(await connectTls(gateway.port), request(more));
      assert.ok(response.includes(`\r\n\r\n${seen}`), response);
    }
  });

  describe('behind the PROXY protocol', () => {
    let gateway: TestGateway;
    before(async () => {
      gateway = await listenTo(['127.0.0.1/32'], true);
    });
    after(() => gateway.close());

    test('with the client that the header before the handshake names', async () => {
      for (const header of [Buffer.from(TCP4), BINARY]) {
        for (const pieces of [[header], Array.from(header, (byte) => Buffer.from([byte]))]) {
          const socket = connectPlain(gateway.port, '127.0.0.1');
          socket.setNoDelay(true);
          for (const piece of pieces) socket.write(piece);
          const response = await exchange(await connectTls(gateway.port, { socket }), request());
          assert.match(response, /\r\n\r\nhttps 203\.0\.113\.9$/);
        }
      }
    });

    test('with a header and a ClientHello in one segment', async () => {
      const socket = connectPlain(gateway.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.cork();
      socket.write(TCP4);
      const secured = connectTls(gateway.port, { socket });
      setImmediate(() => socket.uncork());
      assert.match(await exchange(await secured, request()), /\r\n\r\nhttps 203\.0\.113\.9$/);
    });

    test('and no handshake without a header, nor with two of them', async () => {
      await assert.rejects(connectTls(gateway.port));
      const socket = connectPlain(gateway.port, '127.0.0.1');
      socket.write(TCP4 + TCP4);
      await assert.rejects(connectTls(gateway.port, { socket }));
      await eventually(
        () => serverOf(gateway).connections.open,
        (open) => open === 0,
      );
    });
  });
});

describe('a first message', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await listenTo(undefined, false);
  });
  after(() => gateway.close());

  /** The ClientHello of a client. */
  async function helloOf(options: ConnectionOptions): Promise<Buffer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ ...options, port, host: '127.0.0.1' });
    client.on('error', () => {});
    const [socket] = await once(server, 'connection');
    const [bytes] = await once(socket, 'data');
    client.destroy();
    socket.destroy();
    server.close();
    return bytes as Buffer;
  }

  /** The same with other compression methods, the null method being 0 (RFC 5246 §7.4.1.2). */
  function withCompression(hello: Buffer, methods: readonly number[]): Buffer {
    let at = 5 + 4 + 2 + 32;
    at += 1 + (hello[at] as number);
    at += 2 + hello.readUInt16BE(at);
    const changed = Buffer.concat([
      hello.subarray(0, at),
      Buffer.from([methods.length, ...methods]),
      hello.subarray(at + 2),
    ]);
    changed.writeUInt16BE(changed.length - 5, 3);
    changed.writeUIntBE(changed.length - 9, 6, 3);
    return changed;
  }

  /** The first that is sent back to these bytes; empty: the connection is closed. */
  async function answerTo(bytes: Buffer): Promise<Buffer> {
    const socket = connectPlain(gateway.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(bytes);
    const answer = await new Promise<Buffer>((done) => {
      socket.once('data', done);
      socket.once('close', () => done(Buffer.alloc(0)));
    });
    socket.destroy();
    return answer;
  }

  test('that offers compression gets none, and one that offers nothing else is refused', async () => {
    const hello = await helloOf({ maxVersion: 'TLSv1.2' });
    for (const methods of [[0], [1, 0], [0, 64, 1]]) {
      const answer = await answerTo(withCompression(hello, methods));
      assert.deepEqual([answer[0], answer[5]], [22, 2], 'no ServerHello');
      const session = answer[5 + 4 + 2 + 32] as number;
      assert.equal(answer[5 + 4 + 2 + 32 + 1 + session + 2], 0);
    }
    const refused = await answerTo(withCompression(hello, [1]));
    assert.equal(refused[0], 21);
  });

  test('of SSL 2.0 or 3.0 is refused', async () => {
    const hello = await helloOf({ maxVersion: 'TLSv1.2' });
    const third = Buffer.from(hello);
    third.writeUInt16BE(0x0300, 9);
    const second = Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0', 'hex');
    for (const bytes of [third, Buffer.concat([second, Buffer.alloc(16, 7)])]) {
      const answer = await answerTo(bytes);
      assert.ok(answer.length === 0 || answer[0] === 21, answer.toString('hex'));
    }
  });

  test('of more than any client sends is refused before it has come', async () => {
    const socket = connectPlain(gateway.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    const closed = once(socket, 'close');
    // A message of 1 MiB in records of 16 KiB, of which some come.
    const record = Buffer.alloc(5 + 16_384);
    record.set([22, 3, 1, 0x40, 0x00, 1, 0x10, 0x00, 0x00]);
    socket.write(record);
    socket.write(record);
    await closed;
    await eventually(
      () => serverOf(gateway).connections.open,
      (open) => open === 0,
    );
    (await connectTls(gateway.port)).destroy();
  });
});
