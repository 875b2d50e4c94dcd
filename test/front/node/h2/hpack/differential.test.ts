import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  createServer as createHttp2,
  type Http2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { BlockWriter, noTable } from '../../../../../src/front/node/h2/hpack/block-writer.ts';
import { frame, framesIn, PREFACE, settings, settingsAck, types } from '../frames.ts';
import { Blocks } from './decoding.ts';
import { indexed, literal, sizeUpdate } from './reference-encoder.ts';

const END = 0x5;

async function portOf(server: Server | Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Answers each HEADERS frame of a client with what `take` makes of its block. */
function onHeaders(socket: Socket, take: (block: Buffer, stream: number) => Uint8Array): void {
  let held = Buffer.alloc(0);
  let begun = false;
  socket.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    if (!begun) {
      if (held.length < PREFACE.length) return;
      begun = true;
      held = held.subarray(PREFACE.length);
      socket.write(Buffer.concat([settings(), settingsAck]));
    }
    const { frames, rest } = framesIn(held);
    held = Buffer.from(rest);
    for (const { type, flags, stream, payload } of frames) {
      if (type !== types.headers) continue;
      // A priority stands before the block (RFC 9113 §6.2).
      socket.write(take((flags & 0x20) !== 0 ? payload.subarray(5) : payload, stream));
    }
  });
}

describe('HPACK with node:http2 as the client', () => {
  const blocks = new Blocks();
  const writer = new BlockWriter();
  let received: (string[] | undefined)[] = [];
  let response: readonly (readonly [string, string])[] = [];
  let isFirst = true;
  let server: Server;
  let session: ClientHttp2Session;

  before(async () => {
    server = createServer((socket) => {
      onHeaders(socket, (block, stream) => {
        received.push(blocks.read(block));
        writer.status(200);
        for (const [name, value] of response) writer.field(name, value);
        const first = isFirst ? [noTable] : [];
        isFirst = false;
        return frame(types.headers, END, stream, Buffer.concat([...first, writer.take()]));
      });
    });
    session = connectHttp2(`http://127.0.0.1:${await portOf(server)}`);
    await once(session, 'connect');
  });
  after(() => {
    session.destroy();
    server.close();
  });

  const name = fc.stringMatching(/^x-[a-z]{1,8}$/);
  const value = fc.stringMatching(/^[!-~]([ -~]{0,300}[!-~])?$/);
  const fields = fc.uniqueArray(fc.tuple(name, value), { maxLength: 12, selector: ([one]) => one });

  test('its blocks are read, and ours are read by it', async () => {
    await fc.assert(
      fc.asyncProperty(fields, fields, async (sent, wanted) => {
        received = [];
        response = wanted;
        const stream = session.request({ ':path': '/', ...Object.fromEntries(sent) });
        stream.resume();
        const [headers] = await once(stream, 'response');
        assert.deepEqual(
          received[0]?.slice(4),
          sent.map(([one, text]) => `${one}: ${text}`),
        );
        assert.deepEqual(Object.entries(headers), [[':status', 200], ...wanted]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('HPACK with node:http2 as the server', () => {
  let server: Http2Server;
  let port: number;
  const heads: string[][] = [];

  before(async () => {
    server = createHttp2({ settings: { maxHeaderListSize: 1_000_000 } });
    server.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: unknown, raw: string[]) => {
      // With a fault in a later block the whole connection ends.
      stream.on('error', () => {});
      const lines: string[] = [];
      for (let at = 0; at < raw.length; at += 2) lines.push(`${raw[at]}: ${raw[at + 1]}`);
      heads.push(lines);
      stream.respond({}, { endStream: true });
    });
    server.on('sessionError', () => {});
    port = await portOf(server);
  });
  after(() => server.close());

  /** What the server makes of the blocks: the fields of each, and undefined where it refuses the connection. */
  async function readByServer(all: readonly Buffer[]): Promise<(string[] | undefined)[]> {
    heads.length = 0;
    const socket = connect(port, '127.0.0.1');
    const sent = all.map((block, at) => frame(types.headers, END, 2 * at + 1, block));
    socket.write(Buffer.concat([PREFACE, settings(), ...sent]));
    let held = Buffer.alloc(0);
    for await (const bytes of socket as AsyncIterable<Buffer>) {
      held = Buffer.concat([held, bytes]);
      const { frames } = framesIn(held);
      const over = frames.some(({ type }) => type === types.goaway || type === types.reset);
      if (over || frames.filter(({ type }) => type === types.headers).length === all.length) break;
    }
    socket.destroy();
    const read: (string[] | undefined)[] = heads.slice(0, all.length);
    return read.length < all.length ? [...read, undefined] : read;
  }

  /** A head that any server takes; what is tested stands around it. */
  const start = [indexed(2), indexed(6), indexed(4), literal('without', 1, 'a')];

  const part = fc.oneof(
    fc.constantFrom(62, 63, 64, 66, 70).map(indexed),
    fc.constantFrom(15, 16, 19, 24).map(indexed),
    fc
      .tuple(
        fc.constantFrom('incremental', 'incremental', 'without', 'never'),
        fc.oneof(fc.constantFrom<string | number>(19, 51, 62, 65), fc.stringMatching(/^x-[a-z]{1,9}$/)),
        fc.stringMatching(/^[!-~]{1,40}$/),
        fc.boolean(),
      )
      .map(([indexing, name, value, coded]) => literal(indexing, name, value, coded)),
  );
  const update = fc.constantFrom(0, 40, 100, 200, 4096, 4097, 5000).map(sizeUpdate);
  const block = fc.record({
    updates: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Buffer[]>([]) },
      fc.array(update, { maxLength: 2 }),
    ),
    parts: fc.array(part, { maxLength: 6 }),
  });

  test('both read the same blocks alike, and refuse the same', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 5 }), async (all) => {
        const bytes = all.map(({ updates, parts }) => Buffer.concat([...updates, ...start, ...parts]));
        const blocks = new Blocks();
        const ours: (string[] | undefined)[] = [];
        for (const one of bytes) {
          ours.push(blocks.read(one));
          if (ours.at(-1) === undefined) break;
        }
        if (ours.at(-1) === undefined) refused += 1;
        assert.deepEqual(ours, await readByServer(bytes));
      }),
      { numRuns: 150 },
    );
    assert.ok(refused > 10, `${refused}`);
  });
});
