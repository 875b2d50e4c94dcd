import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClientStream } from '../../../../src/front/front.ts';
import { HeldBytes } from '../../../../src/front/node/h2/held-bytes.ts';
import type { TunnelEvents, TunnelSide } from '../../../../src/http/tunnel-side.ts';
import {
  connectFields,
  data,
  flags,
  get,
  goAwayCode,
  H2Client,
  post,
  requestBlock,
  reset,
  resetCode,
  TestExchange,
  windowUpdate,
} from './client.ts';
import { errors } from './conformance/rows.ts';
import { type Frame, frame, settings, types, uint32 } from './frames.ts';

const KIB = 1024;
/** What a stream, and a connection, may bring before more is granted. */
const STREAM_WINDOW = 256 * KIB;
const EARLY = 64 * KIB;

const connect = frame(types.headers, flags.endHeaders, 1, requestBlock(connectFields()));

const accepted = {
  status: 101,
  lines: '101 Switching Protocols\r\nsec-websocket-ACCEPT: x\r\nX-Own: yes\r\nSec-WebSocket-Protocol: chat',
  eightBit: false,
  framing: 'none',
  contentLength: -1,
} as const;

/** The other end of a tunnel, which notes what it hears. */
class Heard implements TunnelEvents {
  readonly pieces: Buffer[] = [];
  readonly events: string[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  onBytes(bytes: Uint8Array): void {
    assert.ok(bytes.length > 0);
    this.pieces.push(Buffer.from(bytes));
  }

  onDrained(): void {
    this.events.push('drained');
  }

  onEnd(): void {
    this.events.push('end');
  }

  onClosed(): void {
    this.events.push('closed');
  }
}

interface Opened {
  readonly client: H2Client;
  readonly side: TunnelSide;
  readonly heard: Heard;
  readonly held: HeldBytes;
}

/** A client whose CONNECT waits for its answer. */
function asked(
  held = new HeldBytes(),
  more: readonly Buffer[] = [],
): H2Client & { readonly held: HeldBytes } {
  const client = new H2Client({ terms: { webSockets: true, held } });
  client.send(...more, connect);
  return Object.assign(client, { held });
}

function openAt(client: H2Client, at = 0): { readonly side: TunnelSide; readonly heard: Heard } {
  const side = client.exchange(at).client.switchTo?.(accepted, 'websocket');
  assert.ok(side !== undefined);
  const heard = new Heard();
  side.start(heard);
  return { side, heard };
}

/** An open tunnel on stream 1, whose first frames were read. @param more what the client sends before. */
async function open(held = new HeldBytes(), ...more: readonly Buffer[]): Promise<Opened> {
  const client = asked(held, more);
  const { side, heard } = openAt(client);
  await client.frames();
  return { client, side, heard, held };
}

const ofStream = (frames: readonly Frame[], stream = 1): readonly Frame[] =>
  frames.filter((one) => one.stream === stream);
const granted = (frames: readonly Frame[], stream: number): number =>
  ofStream(frames, stream)
    .filter(({ type }) => type === types.window)
    .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
const dataOf = (frames: readonly Frame[], stream = 1): Buffer =>
  Buffer.concat(
    ofStream(frames, stream).flatMap(({ type, payload }) => (type === types.data ? [payload] : [])),
  );
const endOf = (frames: readonly Frame[], stream = 1): boolean =>
  ofStream(frames, stream).some(
    ({ type, flags: its }) => type <= types.headers && (its & flags.endStream) !== 0,
  );

/** Bytes of a client in frames of 16 KiB, or of another size, each with its place. */
function sendMuch(client: H2Client, bytes: number, size = 16 * KIB, stream = 1): Buffer {
  const all = Buffer.from(Uint8Array.from({ length: bytes }, (_, at) => (at * 7 + (at >>> 8)) & 0xff));
  for (let at = 0; at < bytes; at += size) client.send(data(stream, all.subarray(at, at + size)));
  return all;
}

describe('a tunnel on a stream of HTTP/2', () => {
  test('opens with 200, without what belongs to HTTP/1.1', async () => {
    const client = asked();
    openAt(client);
    const [opening, ...more] = ofStream(await client.frames());
    assert.deepEqual([opening?.type, opening?.flags], [types.headers, flags.endHeaders]);
    const block = opening?.payload.toString('latin1') ?? '';
    assert.ok(block.startsWith('\x20\x88'), 'status 200');
    assert.match(block, /x-own.*sec-websocket-protocol.*/is);
    assert.doesNotMatch(block, /accept|upgrade|connection|content-length/i);
    assert.deepEqual(more, []);
  });

  test('carries bytes both ways, in frames of any form', async () => {
    const { client, side, heard } = await open();
    const padded = Buffer.concat([Buffer.of(3), Buffer.from('b'), Buffer.alloc(3)]);
    client.send(data(1, 'a'), frame(types.data, flags.padded, 1, padded), data(1, 'c'));
    assert.equal(`${heard.bytes}`, 'abc');
    assert.equal(side.write(Buffer.from('back')), true);
    assert.equal(`${dataOf(await client.frames())}`, 'back');
  });

  test('keeps what comes before it is open, and hands it over then', async () => {
    const client = asked();
    client.send(data(1, 'early '), data(1, 'bird', true));
    const { side, heard } = openAt(client);
    assert.equal(`${heard.bytes}`, 'early bird');
    assert.deepEqual(heard.events, ['end']);
    side.write(Buffer.from('late'));
    side.close();
    const frames = await client.frames();
    assert.equal(`${dataOf(frames)}`, 'late');
    assert.ok(endOf(frames));
    assert.equal(resetCode(frames, 1), undefined);
    assert.equal(client.held.bytes, 0);
  });

  test('keeps 64 KiB of that, and is reset with more', async () => {
    const client = asked();
    sendMuch(client, EARLY);
    assert.equal(client.held.bytes, EARLY);
    const before = await client.frames();
    assert.deepEqual([resetCode(before, 1), granted(before, 1)], [undefined, 0]);
    client.send(data(1, 'x'));
    assert.equal(resetCode(await client.frames(), 1), errors.calm);
    assert.equal(client.exchange().aborted, true);
    assert.equal(client.held.bytes, 0);
    assert.equal(client.exchange().client.switchTo?.(accepted, 'websocket'), undefined);
  });

  test('that is not opened forgets it', async () => {
    for (const end of [
      (exchange: TestExchange) => exchange.respond('no', 404),
      (exchange: TestExchange) => exchange.client.abort(),
      (_: TestExchange, client: H2Client) => client.send(reset(1)),
      (_: TestExchange, client: H2Client) => client.connection.onClosed(),
    ]) {
      const client = asked();
      sendMuch(client, EARLY);
      end(client.exchange(), client);
      await client.frames();
      assert.equal(client.held.bytes, 0);
    }
  });

  test('grants nothing while it is paused, and holds one window', async () => {
    const { client, side, heard, held } = await open();
    side.pause();
    const sent = sendMuch(client, STREAM_WINDOW);
    const paused = await client.frames();
    assert.equal(granted(paused, 1), 0);
    assert.equal(held.bytes, STREAM_WINDOW);
    assert.equal(heard.bytes.length, 0);
    side.resume();
    assert.ok(heard.bytes.equals(sent));
    assert.equal(held.bytes, 0);
    assert.equal(granted(await client.frames(), 1), STREAM_WINDOW);
  });

  test('refuses what it has not granted', async () => {
    const { client, side, heard, held } = await open();
    side.pause();
    sendMuch(client, STREAM_WINDOW);
    client.send(data(1, 'x'));
    assert.equal(resetCode(await client.frames(), 1), errors.flowControl);
    assert.deepEqual(heard.events, ['closed']);
    assert.equal(held.bytes, 0);
  });

  test('that is paused keeps no other stream back', async () => {
    const { client, side } = await open();
    side.pause();
    sendMuch(client, STREAM_WINDOW);
    // More than the connection may bring without a grant, while each stream keeps to its own window.
    const opened = [side];
    for (let stream = 3; stream < 13; stream += 2) {
      client.send(frame(types.headers, flags.endHeaders, stream, requestBlock(connectFields())));
      const its = openAt(client, -1).side;
      its.pause();
      opened.push(its);
      sendMuch(client, STREAM_WINDOW, 16 * KIB, stream);
    }
    const frames = await client.frames();
    assert.equal(goAwayCode(frames), undefined);
    assert.ok(granted(frames, 0) >= 1024 * KIB);
    client.send(post(21), data(21, 'body', true));
    assert.equal(client.exchange(-1).body, 'body');
  });

  test('ends when the room that all clients share is used up', async () => {
    const { client, side, heard, held } = await open(new HeldBytes(100 * KIB));
    side.pause();
    sendMuch(client, 96 * KIB);
    assert.equal(resetCode(await client.frames(), 1), undefined);
    sendMuch(client, 16 * KIB);
    assert.equal(resetCode(await client.frames(), 1), errors.calm);
    assert.deepEqual(heard.events, ['closed']);
    assert.equal(held.bytes, 0);
  });

  test('takes many small frames, also while it is paused', async () => {
    const { client, side, heard } = await open();
    side.pause();
    const sent = sendMuch(client, 100_000, 1);
    side.resume();
    assert.ok(heard.bytes.equals(sent));
    const more = sendMuch(client, 100_000, 7);
    assert.ok(heard.bytes.equals(Buffer.concat([sent, more])));
    assert.equal(goAwayCode(await client.frames()), undefined);
  });

  test('takes no flood of empty frames', async () => {
    const { client } = await open();
    for (let count = 0; count < 2_000 && !client.socket.closed; count += 1) client.send(data(1, ''));
    assert.equal(goAwayCode(await client.frames()), errors.calm);
  });

  test('sends within the window of its stream, and says when there is room again', async () => {
    const { client, side, heard } = await open(new HeldBytes(), settings([4, 10]));
    const bytes = Buffer.from('0123456789abcde');
    assert.equal(side.write(bytes), false);
    bytes.fill(0);
    assert.equal(`${dataOf(await client.frames())}`, '0123456789');
    client.send(get(3));
    client.exchange(-1).respond('other');
    assert.equal(`${dataOf(await client.frames(), 3)}`, 'other');
    client.send(windowUpdate(1, 3));
    assert.equal(`${dataOf(await client.frames())}`, 'abc');
    assert.deepEqual(heard.events, []);
    client.send(windowUpdate(1, 3));
    assert.equal(`${dataOf(await client.frames())}`, 'de');
    assert.deepEqual(heard.events, ['drained']);
    assert.equal(side.write(Buffer.from('f')), true);
  });

  test('ends one direction at a time: the client first', async () => {
    const { client, side, heard } = await open();
    client.send(data(1, 'bye', true));
    assert.equal(`${heard.bytes}`, 'bye');
    assert.deepEqual(heard.events, ['end']);
    side.write(Buffer.from('still'));
    const between = await client.frames();
    assert.equal(`${dataOf(between)}`, 'still');
    assert.equal(endOf(between), false);
    side.close();
    const frames = await client.frames();
    assert.ok(endOf(frames));
    assert.equal(resetCode(frames, 1), undefined);
    client.send(data(1, 'x'));
    assert.equal(resetCode(await client.frames(), 1), errors.streamClosed);
  });

  test('ends one direction at a time: the gateway first', async () => {
    const { client, side, heard } = await open();
    side.write(Buffer.from('bye'));
    side.end();
    const ended = await client.frames();
    assert.equal(`${dataOf(ended)}`, 'bye');
    assert.ok(endOf(ended));
    assert.equal(resetCode(ended, 1), undefined);
    const sent = sendMuch(client, 2 * STREAM_WINDOW);
    assert.ok(heard.bytes.equals(sent), 'the client still sends, and is granted more');
    client.send(data(1, '', true));
    assert.deepEqual(heard.events, ['end']);
    side.close();
    assert.equal(resetCode(await client.frames(), 1), undefined);
  });

  test('that is paused at the end of the client tells of the end behind the bytes', async () => {
    const { client, side, heard } = await open();
    side.end();
    side.pause();
    client.send(data(1, 'last'), data(1, '', true));
    assert.deepEqual(heard.events, []);
    side.resume();
    assert.equal(`${heard.bytes}`, 'last');
    assert.deepEqual(heard.events, ['end']);
  });

  test('closes behind what was written, and waits for the end of the client', async () => {
    const { client, side, heard } = await open(new HeldBytes(), settings([4, 4]));
    side.write(Buffer.from('farewell'));
    side.close();
    const first = await client.frames();
    assert.equal(`${dataOf(first)}`, 'fare');
    assert.equal(endOf(first), false);
    client.send(windowUpdate(1, 100));
    const second = await client.frames();
    assert.equal(`${dataOf(second)}`, 'well');
    assert.ok(endOf(second));
    client.send(data(1, 'not heard'), data(1, '', true));
    assert.equal(heard.bytes.length, 0);
    assert.deepEqual(heard.events, []);
    client.send(windowUpdate(1, 1));
    const third = await client.frames();
    assert.equal(resetCode(third, 1), undefined);
    assert.equal(goAwayCode(third), undefined);
  });

  test('waits 5 s for that end', async () => {
    const { client, side } = await open();
    side.close();
    client.connection.review(1_000);
    client.connection.review(5_999);
    assert.equal(resetCode(await client.frames(), 1), undefined);
    client.connection.review(6_000);
    const late = [...(await client.frames()), ...(await client.frames())];
    assert.equal(resetCode(late, 1), errors.none);
  });

  test('is reset with CANCEL where it is cut', async () => {
    const { client, side, heard } = await open(new HeldBytes(), settings([4, 1]));
    side.write(Buffer.from('never'));
    side.destroy();
    const frames = await client.frames();
    assert.equal(resetCode(frames, 1), errors.cancel);
    assert.equal(endOf(frames), false);
    assert.deepEqual(heard.events, []);
    side.destroy();
    side.close();
    side.end();
    assert.equal(side.write(Buffer.from('x')), true);
    assert.deepEqual(await client.frames(), []);
  });

  test('is over once where the client resets it, or leaves', async () => {
    for (const leave of [
      (client: H2Client) => client.send(reset(1)),
      (client: H2Client) => client.connection.onClosed(),
      (client: H2Client) => client.connection.onEnd(),
      (client: H2Client) => client.send(frame(types.ping, 0, 0)),
    ]) {
      const { client, heard, held, side } = await open();
      side.pause();
      client.send(data(1, 'kept'));
      leave(client);
      assert.deepEqual(heard.events, ['closed']);
      assert.equal(held.bytes, 0);
      side.close();
    }
  });

  test('has no fields behind it', async () => {
    const { client, heard } = await open();
    client.send(frame(types.headers, flags.end, 1, requestBlock([['x-a', '1']])));
    assert.equal(resetCode(await client.frames(), 1), errors.protocol);
    assert.deepEqual(heard.events, ['closed']);
  });

  test('is not opened twice, nor behind a response, nor for another request', () => {
    const client = asked();
    openAt(client);
    assert.equal(client.exchange().client.switchTo?.(accepted, 'websocket'), undefined);
    client.send(get(3));
    assert.equal(client.exchange(-1).client.switchTo?.(accepted, 'websocket'), undefined);
  });
});

describe('a connection of HTTP/2 with a tunnel', () => {
  /** Reviews once a second from 1 s on, up to this time. */
  function reviews(client: H2Client, seconds: number): void {
    for (let second = 1; second <= seconds; second += 1) client.connection.review(second * 1_000);
  }

  test('is not idle', async () => {
    const { client, side } = await open();
    reviews(client, 120);
    assert.equal(goAwayCode(await client.frames()), undefined);
    side.close();
    client.send(data(1, '', true));
    for (let second = 121; second <= 181; second += 1) client.connection.review(second * 1_000);
    assert.equal(goAwayCode(await client.frames()), errors.none);
  });

  test('lets a client keep the window of a tunnel closed for long, as its own rule says', async () => {
    const { client, side, heard } = await open(new HeldBytes(), settings([4, 0]));
    assert.equal(side.write(Buffer.from('waits')), false);
    reviews(client, 600);
    const frames = await client.frames();
    assert.deepEqual([resetCode(frames, 1), goAwayCode(frames)], [undefined, undefined]);
    client.send(windowUpdate(1, 5));
    assert.equal(`${dataOf(await client.frames())}`, 'waits');
    assert.deepEqual(heard.events, ['drained']);
  });

  test('does not wait for long where the gateway has closed the tunnel', async () => {
    const { client, side } = await open(new HeldBytes(), settings([4, 0]));
    side.write(Buffer.from('waits'));
    side.close();
    reviews(client, 59);
    assert.equal(resetCode(await client.frames(), 1), undefined);
    reviews(client, 120);
    assert.equal(resetCode(await client.frames(), 1), errors.cancel);
  });

  test('outlasts GOAWAY, and ends with its last tunnel', async () => {
    const { client, side, heard } = await open();
    client.connection.drain();
    reviews(client, 30);
    const left = await client.frames();
    assert.equal(left.filter(({ type }) => type === types.goaway).length, 2);
    assert.equal(client.socket.closed, false);
    client.send(data(1, 'on'));
    assert.equal(`${heard.bytes}`, 'on');
    side.write(Buffer.from('on'));
    assert.equal(`${dataOf(await client.frames())}`, 'on');
    side.close();
    await client.frames();
    assert.equal(client.socket.closed, false);
    client.send(data(1, '', true));
    assert.equal(client.socket.closed, true);
  });

  test('opens none behind its last GOAWAY', async () => {
    const { client } = await open();
    client.connection.drain();
    reviews(client, 30);
    await client.frames();
    client.send(frame(types.headers, flags.endHeaders, 3, requestBlock(connectFields())));
    assert.equal(client.exchanges.length, 1);
    client.send(data(3, 'x'));
    assert.equal(goAwayCode(await client.frames()), undefined);
  });

  test('goes on with frames that mean nothing to a tunnel', async () => {
    const { client, heard } = await open();
    client.send(frame(types.priority, 0, 1, Buffer.concat([uint32(0), Buffer.of(1)])), frame(0xbe, 0, 1));
    client.send(data(1, 'on'));
    assert.equal(`${heard.bytes}`, 'on');
    assert.equal(goAwayCode(await client.frames()), undefined);
  });
});

test('an exchange hears nothing of its tunnel', async () => {
  const streams: ClientStream[] = [];
  const exchanges: TestExchange[] = [];
  const client = new H2Client({
    terms: { webSockets: true },
    onRequest: (stream) => {
      streams.push(stream);
      exchanges.push(new TestExchange(stream));
    },
  });
  client.send(connect);
  const side = streams[0]?.switchTo?.(accepted, 'websocket');
  side?.start(new Heard());
  client.send(data(1, 'x'), reset(1));
  await client.frames();
  const [exchange] = exchanges;
  assert.deepEqual([exchange?.body, exchange?.aborted, exchange?.replied], ['', false, undefined]);
});
