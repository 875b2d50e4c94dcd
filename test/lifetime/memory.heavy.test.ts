import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { eventually } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';
import { framingLine, GIB, MIB, pour, SlowReader, settled, sip, swallow, takenOf } from './stream.ts';

/** Most resident memory above idle for one client that reads slowly, and for 200 of them, in bytes. */
const ONE_READER = 16 * MIB;
const MANY_READERS = 64 * MIB;
/** Bytes that all request bodies together may hold in these tests. */
const BUDGET = 8 * MIB;
/**
 * Most resident memory above idle and budget for uploads, in bytes. V8 collects garbage outside its heap, where copies
 * that were sent or dropped are, when there are 64 MiB of it; the rest arrived meanwhile.
 */
const UPLOADS = 128 * MIB;
/** Bytes that the kernel's buffers of two socket pairs take on the way to a peer that does not read. */
const ON_THE_WAY = 32 * MIB;
/** Bytes that one client reads at a time, and the milliseconds between two reads of one KiB/s. */
const SIP_BYTES = 1024;
const SIP_MS = 1000;

let origin: Origin;
let gateway: GatewayProcess;
/** Resident bytes of the gateway after it has carried one body in each direction. */
let idle: number;

/** The upstream side of an exchange whose request is `bytes`. */
async function asked(client: Socket, bytes: string): Promise<OriginConnection> {
  const connection = origin.connection();
  client.write(bytes);
  const upstream = await connection;
  await upstream.take((text) => text.includes('\r\n\r\n'));
  return upstream;
}

const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';
const post = (framing: 'length' | 'chunked', size: number): string =>
  `POST /x HTTP/1.1\r\nHost: a.example\r\n${framingLine(framing, size)}\r\n`;

const closed = (socket: Socket): Promise<unknown> => eventually(() => socket.destroyed, Boolean);
const outcome = (word: string, count: number): Promise<unknown> =>
  eventually(
    () => gateway.outcomes(),
    (seen) => seen[word] === count,
  );

before(async () => {
  origin = await Origin.start();
  gateway = await startGatewayProcess(origin.port, { limits: { bufferedBodies: `${BUDGET / MIB}MiB` } });
  // Warm-up: one body of 64 MiB down, one of 2 MiB up.
  const reader = await SlowReader.open(gateway.port, 64 * 1024, -1);
  const upstream = await asked(reader.socket, get);
  upstream.write(`HTTP/1.1 200 OK\r\n${framingLine('close', 0)}\r\n`);
  await pour(upstream.socket, 'close', 64 * MIB);
  await eventually(
    () => reader.received,
    (bytes) => bytes > 64 * MIB,
  );
  reader.socket.destroy();
  const client = connect(gateway.port, '127.0.0.1').resume();
  const taker = await asked(client, post('length', 2 * MIB));
  swallow(taker.socket);
  await pour(client, 'length', 2 * MIB);
  taker.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
  await outcome('forwarded', 2);
  client.destroy();
  taker.socket.destroy();
  upstream.socket.destroy();
  assert.deepEqual(await gateway.outcomes(), { forwarded: 2 });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

beforeEach(() => {
  idle = gateway.resident();
  gateway.forgetPeak();
});

afterEach(async () => {
  await eventually(
    () => gateway.connections(),
    (seen) => Object.keys(seen).length === 0,
  );
  await eventually(
    () => origin.open,
    (open) => open === 0,
  );
});

function assertGrown(most: number): void {
  const grown = gateway.peak() - idle;
  assert.ok(grown < most, `resident memory grew by ${Math.round(grown / MIB)} MiB`);
}

const aborted = async (): Promise<number> => (await gateway.outcomes())['client_aborted'] ?? 0;

describe('a client that reads one KiB in a second', () => {
  for (const framing of ['length', 'chunked', 'close'] as const) {
    test(`of a response of a GiB framed by ${framing} stops upstream, and costs almost nothing`, async () => {
      const before = await aborted();
      const reader = await SlowReader.open(gateway.port, SIP_BYTES, SIP_MS);
      const upstream = await asked(reader.socket, get);
      upstream.write(`HTTP/1.1 200 OK\r\n${framingLine(framing, GIB)}\r\n`);
      void pour(upstream.socket, framing, GIB);
      const taken = await settled(() => takenOf(upstream.socket));
      await eventually(
        () => reader.reads,
        (reads) => reads >= 3,
      );
      assert.match(reader.start, /^HTTP\/1\.1 200 OK\r\n/);
      assert.ok(taken < ON_THE_WAY, `${taken} bytes were taken from upstream`);
      assert.ok(takenOf(upstream.socket) < ON_THE_WAY);
      assertGrown(ONE_READER);
      reader.socket.destroy();
      await upstream.closed();
      upstream.socket.destroy();
      await outcome('client_aborted', before + 1);
    });
  }
});

describe('an upstream that reads slowly', () => {
  for (const framing of ['length', 'chunked'] as const) {
    test(`an upload of a GiB framed by ${framing} is stopped or refused, and the budget holds`, async () => {
      const before = await gateway.outcomes();
      const client = connect(gateway.port, '127.0.0.1').resume();
      client.on('error', () => {}); // A refusal may cut bytes on their way.
      const upstream = await asked(client, post(framing, GIB));
      sip(upstream.socket, 16 * 1024, 50);
      void pour(client, framing, GIB);
      const taken = await settled(() => takenOf(client));
      // Bytes after a refusal are read and dropped.
      const refused = sum(await gateway.outcomes()) > sum(before);
      assert.ok(refused || taken < BUDGET + ON_THE_WAY, `${taken} bytes were taken from the client`);
      assertGrown(BUDGET + UPLOADS);
      client.destroy();
      await upstream.closed();
      upstream.socket.destroy();
      // A client that is faster than the engine pauses runs into the budget.
      const ended = await eventually(
        () => gateway.outcomes(),
        (seen) => sum(seen) === sum(before) + 1,
      );
      const outcomes = Object.keys(ended).filter((word) => ended[word] !== before[word]);
      assert.ok(['client_aborted', 'upstream_overloaded'].includes(outcomes.join()), outcomes.join());
    });
  }
});

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** Opens one exchange after another. */
async function each<T>(count: number, open: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let at = 0; at < count; at += 1) all.push(await open());
  return all;
}

describe('many at once', () => {
  for (const framing of ['length', 'chunked'] as const) {
    test(`200 slow readers of a response framed by ${framing} cost less than 64 MiB`, async () => {
      const before = await aborted();
      const pairs = await each(200, async () => {
        const reader = await SlowReader.open(gateway.port, SIP_BYTES, SIP_MS);
        return { reader, upstream: await asked(reader.socket, get) };
      });
      assert.deepEqual(await gateway.connections(), { busy: 200 });
      // Only now, because the engine cuts a client that frees none of its buffers for some 10 s.
      for (const { upstream } of pairs) {
        upstream.write(`HTTP/1.1 200 OK\r\n${framingLine(framing, GIB)}\r\n`);
        void pour(upstream.socket, framing, GIB);
      }
      const total = (): number => pairs.reduce((bytes, { upstream }) => bytes + takenOf(upstream.socket), 0);
      const taken = await settled(total);
      assert.ok(taken < pairs.length * ON_THE_WAY, `${taken} bytes were taken from upstream`);
      assert.ok(pairs.every(({ reader }) => reader.received > 0));
      assertGrown(MANY_READERS);
      for (const { reader } of pairs) reader.socket.destroy();
      for (const { upstream } of pairs) {
        await upstream.closed();
        upstream.socket.destroy();
      }
      await outcome('client_aborted', before + 200);
    });
  }

  test('50 stuck uploads share one budget, and uploads after its end are refused', async () => {
    const before = await gateway.outcomes();
    const pairs = await each(50, async () => {
      const client = connect(gateway.port, '127.0.0.1').resume();
      client.on('error', () => {}); // The refusal.
      client.on('data', () => client.destroy()); // The refusal comes at once, and the rest of its body would be read.
      const upstream = await asked(client, post('length', GIB));
      sip(upstream.socket, 1, SIP_MS);
      return { client, upstream };
    });
    for (const { client } of pairs) void pour(client, 'length', GIB);
    await settled(() => pairs.reduce((bytes, { client }) => bytes + takenOf(client), 0));
    const during = await gateway.outcomes();
    const refused = (during['upstream_overloaded'] ?? 0) - (before['upstream_overloaded'] ?? 0);
    assert.ok(refused > 0, JSON.stringify(during));
    assert.equal(sum(during) - sum(before), refused);
    assertGrown(BUDGET + UPLOADS);
    for (const { client, upstream } of pairs) {
      client.destroy();
      // The rest of the sent bytes comes through, then the end.
      swallow(upstream.socket);
    }
    for (const { client, upstream } of pairs) {
      await closed(client);
      await upstream.closed();
      upstream.socket.destroy();
    }
    await eventually(
      () => gateway.outcomes(),
      (seen) => sum(seen) === sum(before) + 50,
    );
    // All of the budget is free again: an upload that has to be held finds room.
    const client = connect(gateway.port, '127.0.0.1').resume();
    const upstream = await asked(client, post('length', 4 * MIB));
    upstream.socket.pause();
    void pour(client, 'length', 4 * MIB);
    await settled(() => takenOf(client));
    swallow(upstream.socket);
    await eventually(
      () => takenOf(client),
      (bytes) => bytes > 4 * MIB,
    );
    upstream.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    await outcome('forwarded', 3);
    client.destroy();
    upstream.socket.destroy();
  });
});
