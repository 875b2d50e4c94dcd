import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { Upload } from '../../src/upstream/upload.ts';
import { byEngine } from '../support/engine.ts';
import { eventually, serverOf, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

const MIB = 1024 * 1024;
/** limits.bufferedBodies, and one body, larger than what the kernel takes on its way upstream. */
const ALL = 64 * MIB;
const BODY = 24 * MIB;

let origin: Origin;
let gateway: TestGateway;
let wires: Wire[];
/** Every upload of which a byte has arrived. */
let uploads: Set<Upload>;

beforeEach(async () => {
  wires = [];
  uploads = new Set();
  const { push } = Upload.prototype;
  mock.method(Upload.prototype, 'push', function (this: Upload, chunk: Uint8Array, last: boolean) {
    uploads.add(this);
    return push.call(this, chunk, last);
  });
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    config: { limits: { bufferedBodies: ALL } },
    limits: { connections: 1, waiting: 10 },
  });
});

afterEach(async () => {
  mock.restoreAll();
  for (const wire of wires) wire.reset();
  await gateway.close();
  await origin.close();
});

const text = 'b'.repeat(MIB);
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const framings = {
  length: { line: `Content-Length: ${BODY}`, piece: text, end: '' },
  chunked: {
    line: 'Transfer-Encoding: chunked',
    piece: `${MIB.toString(16)}\r\n${text}\r\n`,
    end: '0\r\n\r\n',
  },
} as const;
type Framing = keyof typeof framings;

/** Bytes that bodies may still hold. */
function left(): number {
  const { budget } = serverOf(gateway).service;
  return budget.limit - budget.used;
}

/** Bytes that current bodies hold in queues, and in sockets. */
function held(): { queued: number; inSockets: number } {
  const sums = { queued: 0, inSockets: 0 };
  for (const { held: queued, inSocket } of uploads) {
    sums.queued += queued;
    sums.inSockets += inSocket;
  }
  return sums;
}

async function open(): Promise<Wire> {
  const wire = await Wire.open(gateway.port);
  wires.push(wire);
  return wire;
}

/** An upload that upstream does not read, with bytes waiting in both places, or in the one that a prompt pause leaves. */
async function stuck(framing: Framing): Promise<[Wire, OriginConnection]> {
  const wire = await open();
  const { line, piece, end } = framings[framing];
  wire.send(`POST /x HTTP/1.1\r\nHost: a.example\r\n${line}\r\n\r\n`);
  const upstream = await origin.connection();
  await upstream.head();
  upstream.socket.pause();
  for (let at = 0; at < BODY; at += MIB) wire.send(piece);
  wire.send(end);
  const isQueued = byEngine('a fast upload', { uws: true, node: false });
  const { queued, inSockets } = await eventually(
    held,
    (seen) => seen.inSockets > 0 && (!isQueued || seen.queued > 0),
  );
  assert.equal(left(), ALL - queued - inSockets);
  return [wire, upstream];
}

/** Exactly one exchange ended with this outcome, and every byte of the budget is free again. */
async function allBack(outcome: string): Promise<void> {
  const seen = await eventually(
    () => gateway.outcomes(),
    (counts) => Object.keys(counts).length > 0,
  );
  assert.deepEqual(seen, { [outcome]: 1 });
  assert.equal(left(), ALL);
}

for (const framing of ['length', 'chunked'] as const) {
  describe(`the share of limits.bufferedBodies that a body framed by ${framing} took is given back`, () => {
    test('when upstream reads on, and takes all of it', async () => {
      const [wire, upstream] = await stuck(framing);
      const whole = framing === 'length' ? upstream.hash(BODY) : upstream.unchunkedHash();
      upstream.socket.resume();
      await whole;
      upstream.write(ok);
      assert.equal((await wire.response()).status, 200);
      await allBack('forwarded');
    });

    test('when upstream ends', async () => {
      const [wire, upstream] = await stuck(framing);
      upstream.socket.resetAndDestroy();
      assert.equal((await wire.response()).status, 502);
      await allBack('upstream_reset');
    });

    test('when upstream responds without reading the rest', async () => {
      const [wire, upstream] = await stuck(framing);
      upstream.write(ok.replace('\r\n', '\r\nConnection: close\r\n'));
      await eventually(
        () => wire.pending,
        (seen) => seen.endsWith('\r\n\r\nok'),
      );
      await allBack('forwarded');
    });

    test('when the client leaves while it waits for a connection', async () => {
      const first = await open();
      first.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
      const upstream = await origin.connection();
      await upstream.head();
      const wire = await open();
      const { line, piece } = framings[framing];
      // Less than makes the gateway stop reading, because a gateway that does not read would not see the client leave.
      wire.send(`POST /x HTTP/1.1\r\nHost: a.example\r\n${line}\r\n\r\n${piece.slice(0, 1000)}`);
      await eventually(left, (bytes) => bytes < ALL);
      wire.reset();
      await allBack('client_aborted');
    });
  });
}
