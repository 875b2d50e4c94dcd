import assert from 'node:assert/strict';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectByTls } from 'node:tls';
import { nodeVersion, sharesPorts } from '../../src/lib/node-version.ts';
import { type GatewayProcess, startGatewayProcess } from '../lifetime/gateway-process.ts';
import { MIB, settled, takenOf } from '../lifetime/stream.ts';
import { loopbackCertificate } from '../support/certificate.ts';
import { eventually } from '../support/gateway.ts';
import { dial, handshake, Peer, PeerServer } from './peers.ts';

const TUNNELS = 60;
/** Bytes that each sender has: more than the kernel holds on both connections. */
const MUCH = 32 * MIB;
/**
 * Resident bytes that the gateway may take for each tunnel whose receiver takes nothing: a read of 64 KiB that waits for the
 * system, in a buffer of up to 136 KiB, and one that came before its sender was paused; with TLS 64 KiB more are on their way.
 */
const HELD = { plain: 200 * 1024, tls: 264 * 1024 } as const;
/** V8 collects what is outside its heap, such as copies that were sent, when there are 64 MiB of it. */
const GARBAGE = 64 * MIB;
/** Bytes of one write. */
const PIECE = 64 * 1024;

/** Other versions of Node.js start no such gateway. */
const onSuch = sharesPorts(nodeVersion) ? describe : () => {};

let upstream: PeerServer;
let gateway: GatewayProcess;

interface Ends {
  readonly client: Socket;
  readonly server: Socket;
}

/** Bytes that differ from piece to piece and from sender to sender. */
function pieceOf(sender: number, at: number): Buffer {
  const piece = Buffer.alloc(PIECE, `${sender}-${at} `);
  // The header of a frame that carries the rest.
  piece.writeUInt8(0x82, 0);
  piece.writeUInt8(127, 1);
  piece.writeBigUInt64BE(BigInt(PIECE - 10), 2);
  return piece;
}

/** Sends all that a sender has, at the pace of its socket. Resolves with the digest. */
async function sendAll(socket: Socket, sender: number): Promise<string> {
  const hash = createHash('sha1');
  for (let at = 0; at < MUCH; at += PIECE) {
    const piece = pieceOf(sender, at);
    hash.update(piece);
    if (!socket.write(piece)) await once(socket, 'drain');
  }
  return hash.digest('hex');
}

/** Counts and digests what comes. */
class Taker {
  bytes = 0;
  readonly #hash: Hash = createHash('sha1');
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#take);
  }

  /** The digest of what has come. Nothing more is taken. */
  digest(): string {
    this.#socket.off('data', this.#take);
    return this.#hash.digest('hex');
  }

  // A `Peer` has set the encoding.
  readonly #take = (text: string): void => {
    this.bytes += text.length;
    this.#hash.update(text, 'latin1');
  };
}

async function open(dialled: Peer): Promise<Ends> {
  const { server } = await upstream.open(dialled, `GET /ws HTTP/1.1\r\nHost: a\r\n${handshake()}\r\n`);
  for (const { socket } of [dialled, server]) socket.removeAllListeners('data').pause();
  return { client: dialled.socket, server: server.socket };
}

/** Lets all senders send while no receiver reads; then all receivers read. */
async function flow(pairs: readonly (readonly [from: Socket, to: Socket])[], most: number): Promise<void> {
  const idle = gateway.resident();
  gateway.forgetPeak();
  const sending = pairs.map(([from], at) => sendAll(from, at));
  const taken = await settled(() => pairs.reduce((sum, [from]) => sum + takenOf(from), 0));
  assert.ok(taken < (pairs.length * MUCH * 3) / 4, `${taken} bytes were taken, so nothing is kept back`);
  const grown = gateway.peak() - idle;
  assert.ok(grown < most, `resident memory grew by ${Math.round(grown / MIB)} MiB`);
  const takers = pairs.map(([, to]) => {
    const taker = new Taker(to);
    to.resume();
    return taker;
  });
  const digests = await Promise.all(sending);
  for (const taker of takers) {
    await eventually(
      () => taker.bytes,
      (bytes) => bytes >= MUCH,
    );
  }
  assert.deepEqual(
    takers.map((taker) => taker.digest()),
    digests,
  );
  for (const [, to] of pairs) to.pause();
  const afterwards = gateway.peak() - idle;
  assert.ok(afterwards < most, `resident memory grew by ${Math.round(afterwards / MIB)} MiB while all read`);
}

for (const kind of ['plain', 'tls'] as const) {
  onSuch(`${TUNNELS} tunnels, ${kind} with clients`, () => {
    const sockets: Socket[] = [];
    let folder: string;
    let all: readonly Ends[];

    before(async () => {
      upstream = await PeerServer.start();
      folder = mkdtempSync(join(tmpdir(), 'slow-readers-'));
      const { cert, key } = loopbackCertificate();
      const pem = join(folder, 'both.pem');
      writeFileSync(pem, cert + key);
      const tls = kind === 'tls' ? { tls: { certificates: pem } } : {};
      const server = `http://127.0.0.1:${upstream.port}`;
      gateway = await startGatewayProcess(upstream.port, {
        listen: [{ address: '127.0.0.1:0', engine: 'node', ...tls }],
        listeners: 1,
        upstream: undefined,
        auth: undefined,
        routes: [{ match: { path: '/' }, auth: 'none', upstream: server, upgrade: ['websocket'] }],
      });
      const opened: Ends[] = [];
      for (let count = 0; count < TUNNELS; count += 1) {
        const dialled = await dialBy(kind);
        sockets.push(dialled.socket);
        opened.push(await open(dialled));
      }
      all = opened;
    });
    after(async () => {
      for (const socket of sockets) socket.destroy();
      await gateway.close();
      await upstream.close();
      rmSync(folder, { recursive: true });
    });

    const most = TUNNELS * HELD[kind] + GARBAGE;
    test('keep little of what clients do not read, and lose nothing', async () => {
      await flow(
        all.map(({ client, server }) => [server, client] as const),
        most,
      );
    });
    test('keep little of what upstream does not read, and lose nothing', async () => {
      await flow(
        all.map(({ client, server }) => [client, server] as const),
        most,
      );
    });
  });
}

async function dialBy(kind: 'plain' | 'tls'): Promise<Peer> {
  if (kind === 'plain') return dial(gateway.port);
  const socket = connectByTls({ port: gateway.port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return new Peer(socket);
}
