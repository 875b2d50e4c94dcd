import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { HandleOutlet } from '../../../src/front/node/handle-outlet.ts';
import type { Outlet, OutletOwner } from '../../../src/front/node/outlet.ts';
import { StreamOutlet } from '../../../src/front/node/stream-outlet.ts';
import { WriteCopies } from '../../../src/front/node/write-copies.ts';
import { findHandleWrites } from '../../../src/front/node/write-requests.ts';
import { loopbackCertificate } from '../../support/certificate.ts';

/** More than the buffers of both sides of a loopback connection hold. */
const FAR_TOO_MUCH = 48 * 1024 * 1024;

type Make = (socket: Socket, isTls: boolean, owner: OutletOwner) => Outlet;

const writes = findHandleWrites();
const kinds: (readonly [string, Make])[] = [
  ['the stream', (socket, _, owner) => new StreamOutlet(socket, new WriteCopies(), owner)],
];
if (writes !== undefined) {
  kinds.push([
    'the handle',
    (socket, isTls, owner) => {
      const outlet = HandleOutlet.of(socket, isTls, new WriteCopies(), writes, owner);
      assert.ok(outlet);
      return outlet;
    },
  ]);
}

interface Pair {
  readonly outlet: Outlet;
  readonly served: Socket;
  /** Does not read until it is resumed. */
  readonly client: Socket;
  readonly drained: () => Promise<void>;
}

/** Runs `use` with both ends of one connection. */
async function withPair(make: Make, isTls: boolean, use: (pair: Pair) => Promise<void>): Promise<void> {
  const server: Server = isTls
    ? createTlsServer({ ...loopbackCertificate() })
    : createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, isTls ? 'secureConnection' : 'connection') as Promise<[Socket]>;
  const client = isTls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect(port, '127.0.0.1');
  client.on('error', () => {});
  const [served] = await accepted;
  served.on('error', () => {});
  let wake = (): void => {};
  const outlet = make(served, isTls, { onDrained: () => wake() });
  const drained = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  try {
    await use({ outlet, served, client, drained });
  } finally {
    client.destroy();
    served.destroy();
    server.close();
    await once(server, 'close');
  }
}

/** All bytes until the end of the other side. */
async function readAll(client: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  client.on('data', (piece: Buffer) => pieces.push(piece));
  await once(client, 'end');
  return Buffer.concat(pieces);
}

/** The end of a socket, with an error or without one. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('close', () => resolve());
  });
}

/** Pieces of many sizes. */
const sizes = [1, 26, 4_000, 8_191, 8_192, 8_193, 16_384, 40_000, 65_536, 131_072, 140_000];

describe('an outlet by the handle', () => {
  it('is there with each version of Node.js that the package names', () => {
    assert.ok(writes !== undefined);
  });

  it('knows a write that ends later from one that is over, although nothing waits after either', async () => {
    assert.ok(writes !== undefined);
    const over = (socket: Socket, _: boolean, owner: OutletOwner): Outlet => {
      const { _handle: real } = socket as unknown as { _handle: object };
      // As when the client takes bytes between the two attempts of one write.
      const handle = new Proxy(real, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name, target);
          if (name === 'writeQueueSize') return 0;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      const view = new Proxy(socket, {
        get: (target, name) => (name === '_handle' ? handle : Reflect.get(target, name, target)),
      });
      const outlet = HandleOutlet.of(view, false, new WriteCopies(), writes, owner);
      assert.ok(outlet);
      return outlet;
    };
    await withPair(over, false, async ({ outlet, client }) => {
      const piece = randomBytes(8 * 1024 * 1024);
      outlet.write(piece);
      outlet.writeLatin1('and more');
      const all = readAll(client);
      outlet.write(piece);
      outlet.end();
      const got = await all;
      assert.ok(got.equals(Buffer.concat([piece, Buffer.from('and more'), piece])));
    });
  });
});

for (const [kind, make] of kinds) {
  for (const isTls of [false, true]) {
    describe(`an outlet by ${kind}, ${isTls ? 'with TLS' : 'plain'}`, () => {
      it('sends all writes of one turn in their order, although their bytes are used again', async () => {
        await withPair(make, isTls, async ({ outlet, client }) => {
          const sent: Buffer[] = [];
          const view = Buffer.alloc(140_000);
          const message = (size: number): void => {
            randomBytes(size).copy(view);
            sent.push(
              Buffer.from(`<${size}>\xff`, 'latin1'),
              Buffer.from(view.subarray(0, size)),
              Buffer.from('!'),
            );
            const half = size >>> 1;
            outlet.writeMessage(`<${size}>\xff`, [view.subarray(0, half), view.subarray(half, size)], '!');
            view.fill(0);
          };
          for (const size of [...sizes, ...sizes.toReversed()]) message(size);
          const own = randomBytes(70_000);
          outlet.write(own);
          sent.push(own);
          outlet.writeLatin1('the end\xa0');
          sent.push(Buffer.from('the end\xa0', 'latin1'));
          outlet.writeMessage('', [], '');
          outlet.end();
          client.resume();
          const got = await readAll(client);
          assert.ok(got.equals(Buffer.concat(sent)));
        });
      });

      it('says when a client does not read, and when it does again', async () => {
        await withPair(make, isTls, async ({ outlet, client, drained }) => {
          const piece = randomBytes(4 * 1024);
          const free = drained();
          let bytes = 0;
          let taken = true;
          while (taken && bytes < FAR_TOO_MUCH) {
            taken = outlet.writeMessage('', [piece], '');
            bytes += piece.length;
            if (isTls) await new Promise((done) => setImmediate(done));
          }
          assert.equal(taken, false);
          assert.ok(outlet.unsent > 0 && outlet.unsent < 2 * 1024 * 1024, `${outlet.unsent} bytes wait`);
          const all = readAll(client);
          await free;
          assert.equal(outlet.unsent, 0);
          outlet.end();
          const got = await all;
          assert.equal(got.length, bytes);
          for (let at = 0; at < bytes; at += piece.length) {
            assert.ok(got.subarray(at, at + piece.length).equals(piece));
          }
        });
      });

      it('ends behind bytes that wait', async () => {
        await withPair(make, isTls, async ({ outlet, client }) => {
          const piece = randomBytes(8 * 1024 * 1024);
          outlet.write(piece);
          outlet.writeLatin1('last');
          outlet.end();
          const got = await readAll(client);
          assert.equal(got.length, piece.length + 4);
          assert.ok(got.subarray(0, piece.length).equals(piece));
          assert.equal(got.toString('latin1', piece.length), 'last');
        });
      });

      it('survives a client that leaves in mid-write', async () => {
        await withPair(make, isTls, async ({ outlet, served, client }) => {
          const gone = closed(served);
          outlet.write(randomBytes(8 * 1024 * 1024));
          outlet.writeLatin1('more');
          if (isTls) client.destroy();
          else client.resetAndDestroy();
          served.resume();
          await gone;
        });
      });

      if (kind === 'the handle') {
        it('cuts a connection whose write fails at once', async () => {
          await withPair(make, isTls, async ({ outlet, served }) => {
            // Behind the end of our side no write can succeed.
            served.end();
            await once(served, 'finish');
            assert.equal(served.destroyed, false);
            outlet.writeLatin1('too late');
            assert.equal(served.destroyed, true);
          });
        });
      }

      it('survives its own socket cut in mid-write', async () => {
        await withPair(make, isTls, async ({ outlet, served }) => {
          outlet.write(randomBytes(8 * 1024 * 1024));
          outlet.writeLatin1('more');
          const gone = closed(served);
          served.destroy();
          await gone;
        });
      });
    });
  }
}
