// Source: runs of whole programs: upstream answers at once and goes on reading; what bounds the rest of such an upload.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { settled } from '../lifetime/stream.ts';
import { eventually, serverOf, startGateway, type TestGateway } from '../support/gateway.ts';
import { HeldTimers } from '../support/held-timers.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

const MIB = 1024 * 1024;
/** limits.bufferedBodies: more than one such body may hold. */
const ALL = 64 * MIB;
/** More than the bytes one body may hold after its response and the kernel's buffers on the way upstream. */
const BODY = 96 * MIB;
/** Bytes that one body may hold after its response. */
const HELD = 16 * MIB;
/** Milliseconds without a byte that end the rest of an upload. */
const QUIET_MS = 12_000;

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const piece = 'b'.repeat(MIB);
const framings = {
  length: { line: `Content-Length: ${BODY}`, frame: (bytes: string) => bytes },
  chunked: {
    line: 'Transfer-Encoding: chunked',
    frame: (bytes: string) => `${bytes.length.toString(16)}\r\n${bytes}\r\n`,
  },
} as const;
type Framing = keyof typeof framings;

let origin: Origin;
let gateway: TestGateway;
let timers: HeldTimers;
let wire: Wire;
let upstream: OriginConnection;

beforeEach(async () => {
  timers = new HeldTimers(QUIET_MS);
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    config: { limits: { bufferedBodies: ALL } },
  });
});

afterEach(async () => {
  timers.release();
  wire.reset();
  await gateway.close();
  await origin.close();
});

/** Bytes that bodies may still hold. */
function left(): number {
  const { budget } = serverOf(gateway).service;
  return budget.limit - budget.used;
}

/** An upload whose response is complete and whose first bytes upstream has. */
async function responded(framing: Framing): Promise<void> {
  const { line, frame } = framings[framing];
  wire = await Wire.open(gateway.port);
  wire.send(`POST /x HTTP/1.1\r\nHost: a.example\r\n${line}\r\n\r\n${frame('first')}`);
  upstream = await origin.connection();
  await upstream.take((text) => text.includes('first'));
  upstream.write(ok);
  await eventually(
    () => wire.pending,
    (seen) => seen.includes('ok'),
  );
  assert.deepEqual(await gateway.outcomes(), { forwarded: 1 });
  assert.equal(timers.count, 1);
}

/** Sends more of the body, which reaches upstream. */
async function goesOn(framing: Framing): Promise<void> {
  const before = timers.refreshed;
  wire.send(framings[framing].frame('more'));
  await upstream.take((text) => text.includes('more'));
  assert.ok(timers.refreshed > before);
}

/**
 * Keeps sending to an upstream that does not read any more, until that many bytes are held or the upload is over.
 * Returns the number of body bytes sent.
 */
async function hold(framing: Framing, bytes: number): Promise<number> {
  upstream.socket.pause();
  const isOver = (): boolean => ALL - left() >= bytes || timers.count === 0;
  let sent = 'first'.length;
  for (; sent < BODY - MIB && !isOver(); sent += MIB) {
    wire.send(framings[framing].frame(piece));
    // A gateway that holds enough may read no more.
    await eventually(isOver, (over) => over || wire.unsent === 0);
  }
  await eventually(isOver, Boolean);
  return sent;
}

/** All of it went upstream, whose connection is free, and nothing is held. */
async function assertThrough(): Promise<void> {
  await eventually(
    () => gateway.connections(),
    (seen) => seen['idle'] === 1,
  );
  assert.equal(left(), ALL);
  assert.equal(timers.count, 0);
}

for (const framing of ['length', 'chunked'] as const) {
  describe(`the rest of an upload framed by ${framing}, after a complete response`, () => {
    test('ends after 12 s without a byte, a time that each byte restarts, and the budget is free', async () => {
      await responded(framing);
      for (let round = 0; round < 3; round += 1) {
        timers.pass(QUIET_MS - 1);
        await goesOn(framing);
      }
      assert.deepEqual(await gateway.connections(), { busy: 1 });
      timers.pass(QUIET_MS - 1);
      assert.equal(timers.count, 1);
      timers.pass(1);
      await upstream.closed();
      assert.equal(upstream.received, '', 'no end of the body');
      assert.equal(timers.count, 0);
      assert.equal(left(), ALL);
      assert.deepEqual(await gateway.connections(), {});
      assert.deepEqual(await gateway.outcomes(), { forwarded: 1 });
    });

    test('ends so with bytes held, when neither side moves, and the budget is free', async () => {
      await responded(framing);
      await hold(framing, 1);
      timers.pass(QUIET_MS);
      assert.equal(left(), ALL);
      assert.equal(timers.count, 0);
      upstream.socket.resume();
      await upstream.closed();
      assert.ok(!upstream.received.endsWith('0\r\n\r\n'), 'no end of the body');
    });

    test('is paused when upstream does not read, is held by 16 MiB at most, and goes through later', async () => {
      await responded(framing);
      upstream.socket.pause();
      const whole = framing === 'length' ? upstream.hash(BODY - 'first'.length) : upstream.unchunkedHash();
      const all = 'b'.repeat(BODY - 'first'.length);
      wire.send(`${framings[framing].frame(all)}${framing === 'chunked' ? '0\r\n\r\n' : ''}`);
      const taken = await settled(() => wire.taken);
      assert.ok(taken < BODY - MIB, `${taken} bytes were taken`);
      assert.ok(ALL - left() <= HELD, `${ALL - left()} bytes are held`);
      upstream.socket.resume();
      await whole;
      await assertThrough();
    });

    test('goes through when upstream reads on before that', async () => {
      await responded(framing);
      const sent = await hold(framing, 1);
      const whole = framing === 'length' ? upstream.hash(BODY - 'first'.length) : upstream.unchunkedHash();
      upstream.socket.resume();
      for (let at = sent; at < BODY; at += MIB) {
        await eventually(left, (bytes) => bytes === ALL);
        wire.send(framings[framing].frame(piece.slice(0, BODY - at)));
      }
      if (framing === 'chunked') wire.send('0\r\n\r\n');
      await whole;
      await assertThrough();
    });
  });
}
