import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  data,
  flags,
  get,
  getBlock,
  goAwayCode,
  H2Client,
  post,
  replyOf,
  resetCode,
  windowUpdate,
} from './client.ts';
import { errors } from './conformance/rows.ts';
import { type Frame, frame, PREFACE, settings, settingsAck, types } from './frames.ts';

/** The last stream that each GOAWAY names. */
const lastStreams = (frames: readonly Frame[]): number[] =>
  frames.filter(({ type }) => type === types.goaway).map(({ payload }) => payload.readUInt32BE(0));

/** The acknowledgement of the ping among these frames. */
function pong(frames: readonly Frame[]): Buffer {
  const ping = frames.find(({ type, flags: flag }) => type === types.ping && flag === 0);
  assert.ok(ping !== undefined, 'no ping');
  return frame(types.ping, flags.ack, 0, ping.payload);
}

describe('draining (RFC 9113 §6.8)', () => {
  test('loses no request that is on its way, and ends with the last response', async () => {
    const client = new H2Client();
    client.send(get(1));
    client.connection.drain();
    client.connection.drain();
    const first = await client.frames();
    assert.deepEqual(lastStreams(first), [0x7fffffff]);
    assert.equal(goAwayCode(first), errors.none);
    // A client may acknowledge the ping ahead of requests that it has under way.
    client.send(pong(first), get(3));
    client.connection.review(1000);
    client.send(get(5));
    assert.deepEqual(lastStreams(await client.frames()), []);
    client.connection.review(2000);
    assert.deepEqual(lastStreams(await client.frames()), [5]);
    // The client had to know: what it sends now is not served, and it may send it elsewhere.
    client.send(get(7), post(9), data(9, 'x', true));
    assert.equal(client.exchanges.length, 3);
    client.exchange(0).respond();
    client.exchange(1).respond();
    assert.equal(client.socket.closed, false);
    client.exchange(2).respond();
    assert.equal(client.socket.closed, true);
    assert.ok((await client.frames()).every(({ type }) => type === types.headers || type === types.data));
    assert.deepEqual(
      client.exchanges.map(({ aborted }) => aborted),
      [false, false, false],
    );
  });

  test('does not wait for a client that answers no ping', async () => {
    const client = new H2Client();
    client.send(get(1));
    client.connection.review(0);
    client.connection.drain();
    client.connection.review(1000);
    client.connection.review(2000);
    assert.deepEqual(lastStreams(await client.frames()), [0x7fffffff]);
    client.connection.review(3000);
    assert.deepEqual(lastStreams(await client.frames()), [1]);
    client.exchange().respond();
    assert.equal(client.socket.closed, true);
  });

  test('closes a connection without a request, once the client knows', async () => {
    const client = new H2Client();
    client.connection.drain();
    assert.equal(client.socket.closed, false);
    client.send(pong(await client.frames()));
    client.connection.review(1000);
    assert.equal(client.socket.closed, false);
    client.connection.review(2000);
    assert.deepEqual(lastStreams(await client.frames()), [0]);
    assert.equal(client.socket.closed, true);
  });

  test('is not ended by a ping of the client', async () => {
    const client = new H2Client();
    client.connection.drain();
    client.send(
      frame(types.ping, flags.ack, 0, Buffer.from('guessing')),
      frame(types.ping, 0, 0, Buffer.from('draining')),
    );
    assert.deepEqual(lastStreams(await client.frames()), [0x7fffffff]);
  });
});

test('a connection serves as many requests as its limit says, exactly', async () => {
  const client = new H2Client({ terms: { requestsPerConnection: 2 } });
  client.send(get(1), get(3), get(5));
  assert.equal(client.exchanges.length, 2);
  const frames = await client.frames();
  assert.deepEqual(lastStreams(frames), [3]);
  assert.equal(goAwayCode(frames), errors.none);
  client.exchange(0).respond();
  client.exchange(1).respond();
  assert.equal(client.socket.closed, true);
});

describe('a client that ends its side', () => {
  test('still gets the response to a whole request', async () => {
    const client = new H2Client();
    client.send(get(1));
    client.connection.onEnd();
    assert.equal(client.socket.closed, false);
    client.exchange().respond();
    assert.equal(client.socket.closed, true);
    assert.ok((await client.frames()).some(({ type }) => type === types.data));
  });

  test('holds no response that needs a larger window, for none will come', async () => {
    const client = new H2Client();
    client.send(settings([0x4, 10]), get(1), get(3));
    assert.equal(client.exchange(0).respond('x'.repeat(11)), false);
    client.connection.review(0);
    assert.equal(client.exchange(0).aborted, false);
    client.connection.onEnd();
    client.connection.review(1_000);
    assert.deepEqual([client.exchange(0).aborted, client.exchange(1).aborted], [true, false]);
    assert.equal(resetCode(await client.frames(), 1), errors.cancel);
    assert.equal(client.socket.closed, false);
    client.exchange(1).respond('x'.repeat(10));
    assert.equal(client.socket.closed, true);
  });

  test('still gets what only its socket does not take yet', async () => {
    const client = new H2Client();
    client.send(get(1), get(3));
    client.socket.free = false;
    client.exchange(0).respond('x'.repeat(60_000));
    await client.frames();
    assert.equal(client.exchange(1).respond('x'.repeat(5_000)), false);
    client.connection.onEnd();
    client.connection.review(1_000);
    assert.equal(client.exchange(1).aborted, false);
    client.socket.free = true;
    client.connection.onDrained();
    assert.equal(client.socket.closed, true);
  });

  test('gets none to half a request', async () => {
    const client = new H2Client();
    client.send(post(1), data(1, 'x'));
    client.connection.onEnd();
    assert.deepEqual([client.exchange().aborted, client.exchange().complete], [true, false]);
    assert.equal(client.socket.closed, true);
    assert.equal(resetCode(await client.frames(), 1), errors.cancel);
  });
});

test('a connection that is gone aborts each exchange once, and nothing can be sent', async () => {
  const client = new H2Client();
  client.send(get(1), post(3));
  await client.frames();
  client.connection.onClosed();
  client.connection.onClosed();
  assert.deepEqual(
    client.exchanges.map(({ aborted }) => aborted),
    [true, true],
  );
  assert.equal(client.exchange().respond(), true);
  client.exchange(1).client.abort();
  client.send(get(5));
  client.connection.onEnd();
  client.connection.drain();
  client.connection.review(1e9);
  assert.deepEqual(await client.frames(), []);
});

test('a fault of the gateway costs its stream alone', async () => {
  const fault = new Error('ours');
  const client = new H2Client({
    onRequest: () => {
      throw fault;
    },
  });
  client.send(get(1));
  assert.deepEqual(client.faults, [fault]);
  const frames = await client.frames();
  assert.equal(resetCode(frames, 1), errors.internal);
  assert.equal(goAwayCode(frames), undefined);
});

test('a fault of the gateway while a body comes in ends the connection', async () => {
  const client = new H2Client();
  client.send(post(1));
  client.exchange().onRequestBody = () => {
    throw new Error('ours');
  };
  client.send(data(1, 'x'));
  assert.equal(client.faults.length, 1);
  assert.equal(goAwayCode(await client.frames()), errors.internal);
  assert.deepEqual([client.socket.closed, client.exchange().aborted], [true, true]);
});

describe('time-outs', () => {
  test('half a preface ends the connection', async () => {
    const client = new H2Client({ greeted: false });
    client.send(PREFACE.subarray(0, 12));
    client.connection.review(0);
    client.connection.review(9_999);
    assert.equal(client.socket.closed, false);
    client.connection.review(10_000);
    assert.equal(goAwayCode(await client.frames()), errors.protocol);
    assert.equal(client.socket.closed, true);
  });

  test('settings that are not acknowledged end it (RFC 9113 §6.5.3)', async () => {
    const client = new H2Client({ greeted: false });
    client.send(PREFACE, settings(), get(1));
    client.connection.review(0);
    client.connection.review(19_999);
    assert.equal(client.socket.closed, false);
    client.connection.review(20_000);
    assert.equal(goAwayCode(await client.frames()), errors.settingsTimeout);
  });

  for (const [what, begin, more] of [
    ['a frame', get(1).subarray(0, 5), get(1).subarray(5, 7)],
    [
      'a field block',
      frame(types.headers, flags.endStream, 1, getBlock().subarray(0, 3)),
      frame(types.continuation, 0, 1, Buffer.of()),
    ],
  ] as const) {
    test(`${what} that comes too slowly ends it`, async () => {
      const client = new H2Client();
      client.send(begin);
      client.connection.review(0);
      for (let at = 1; at < 3; at += 1) {
        client.send(what === 'a frame' ? more.subarray(at - 1, at) : more);
        client.connection.review(at * 3_000);
      }
      client.connection.review(9_999);
      assert.equal(client.socket.closed, false);
      client.connection.review(10_000);
      assert.equal(goAwayCode(await client.frames()), errors.calm);
    });
  }

  test('one frame after another is no slow frame', async () => {
    const client = new H2Client();
    client.send(get(1).subarray(0, 4));
    for (let at = 0; at < 30; at += 1) {
      client.connection.review(at * 5_000);
      client.exchanges.at(-1)?.respond('');
      client.send(Buffer.concat([get(2 * at + 1).subarray(4), get(2 * at + 3).subarray(0, 4)]));
    }
    assert.equal(client.socket.closed, false);
    assert.equal(client.exchanges.length, 30);
  });

  test('a connection without a request ends; pings do not keep it', async () => {
    const client = new H2Client();
    client.connection.review(0);
    client.send(get(1));
    client.connection.review(50_000);
    client.connection.review(150_000);
    assert.equal(client.socket.closed, false, 'its request is open');
    client.exchange().respond();
    client.connection.review(200_000);
    client.send(frame(types.ping, 0, 0, Buffer.alloc(8)));
    client.connection.review(209_999);
    assert.equal(client.socket.closed, false);
    client.connection.review(210_000);
    const frames = await client.frames();
    assert.deepEqual(lastStreams(frames), [1]);
    assert.equal(goAwayCode(frames), errors.none);
    assert.equal(client.socket.closed, true);
  });

  test('a client that takes nothing of a response loses it; one that takes something does not', async () => {
    const client = new H2Client();
    client.send(settings([0x4, 0]), get(1));
    client.exchange().respond('abc');
    const { client: stream } = client.exchange();
    assert.equal(stream.review(0), true);
    assert.equal(stream.review(59_999), true);
    client.send(windowUpdate(1, 1));
    assert.equal(stream.review(60_000), true);
    assert.equal(stream.review(119_999), true);
    assert.equal(stream.review(120_000), false);
  });

  test('a reply that nobody takes ends with its stream, though its exchange is over', async () => {
    const client = new H2Client();
    client.send(settings([0x4, 0]), get(1));
    client.exchange().client.reply(replyOf(403, 'no'));
    client.connection.review(0);
    client.connection.review(59_999);
    assert.equal(resetCode(await client.frames(), 1), undefined);
    client.connection.review(60_000);
    assert.equal(resetCode(await client.frames(), 1), errors.cancel);
  });

  test('a socket that takes nothing is cut', () => {
    const client = new H2Client();
    client.send(get(1));
    client.socket.free = false;
    client.exchange().respond('abc');
    client.connection.review(0);
    client.connection.review(59_999);
    client.socket.unsent -= 1;
    client.connection.review(60_000);
    client.connection.review(119_999);
    assert.equal(client.socket.destroyed, false);
    client.connection.review(120_000);
    assert.equal(client.socket.destroyed, true);
  });

  test('settings that were acknowledged in time end nothing', async () => {
    const client = new H2Client({ greeted: false });
    client.send(PREFACE, settings(), get(1), settingsAck);
    for (let at = 0; at < 100; at += 1) client.connection.review(at * 1000);
    assert.equal(client.socket.closed, false);
  });
});
