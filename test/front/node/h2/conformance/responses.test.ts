import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  data,
  flags,
  get,
  H2Client,
  post,
  replyOf,
  requestBlock,
  resetCode,
  responseHead,
  windowUpdate,
} from '../client.ts';
import { type Frame, frame, settings, types } from '../frames.ts';
import { Blocks } from '../hpack/decoding.ts';
import { errors } from './rows.ts';

const headRequest = [
  [':method', 'HEAD'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
] as const;

/** Type and flags of each frame. */
const kindsOf = (frames: readonly Frame[]): number[][] => frames.map(({ type, flags: flag }) => [type, flag]);

describe('responses', () => {
  const blocks = (frames: readonly Frame[]): (string[] | undefined)[] => {
    const reader = new Blocks();
    return frames.filter(({ type }) => type === types.headers).map(({ payload }) => reader.read(payload));
  };

  test('have lower-case names, no fields of a connection, and a date', async () => {
    const client = new H2Client();
    client.send(get(1));
    const lines =
      '\r\nX-Up: 1\r\nConnection: close\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nProxy-Connection: x\r\nTransfer-Encoding: y\r\nETag: \xe9 \xa0\t';
    client.exchange().client.begin(responseHead(203, 2, lines));
    client.exchange().client.send([Buffer.from('hi')], true);
    const [fields = []] = blocks(await client.frames());
    assert.deepEqual(fields.slice(0, -1), [
      ':status: 203',
      'x-up: 1',
      'etag: \xe9 \xa0',
      'content-length: 2',
    ]);
    assert.match(fields.at(-1) ?? '', /^date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  });

  test('without a body end with their head', async () => {
    const client = new H2Client();
    client.send(frame(types.headers, flags.end, 1, requestBlock(headRequest)));
    client.exchange().client.reply(replyOf(403, 'body'));
    const frames = (await client.frames()).filter(({ stream }) => stream === 1);
    assert.deepEqual(
      frames.map(({ type, flags: flag }) => [type, flag]),
      [[types.headers, 5]],
    );
    assert.ok(blocks(frames)[0]?.includes('content-length: 4'));
  });

  test('send their head before the first byte of the body', async () => {
    const client = new H2Client();
    client.send(get(1));
    client.exchange().client.begin(responseHead(200));
    assert.equal(client.exchange().client.started, false);
    assert.equal(client.exchange().client.send([], false), true);
    assert.equal(client.exchange().client.started, true);
    assert.deepEqual((await client.frames()).map(({ type, flags: flag }) => [type, flag]).at(-1), [
      types.headers,
      4,
    ]);
    client.exchange().client.send([Buffer.alloc(0)], false);
    assert.deepEqual(await client.frames(), []);
    client.exchange().client.send([Buffer.alloc(0)], true);
    assert.deepEqual(
      (await client.frames()).map(({ type, flags: flag }) => [type, flag]),
      [[types.data, 1]],
    );
  });

  test('with a large head go in CONTINUATION frames', async () => {
    const client = new H2Client();
    client.send(get(1));
    const long = 'v'.repeat(40_000);
    client.exchange().client.begin(responseHead(200, 0, `\r\nx-l: ${long}`));
    client.exchange().client.send([], true);
    const frames = (await client.frames()).filter(({ stream }) => stream === 1);
    assert.deepEqual(
      frames.map(({ type, flags: flag }) => [type, flag]),
      [
        [types.headers, 1],
        [types.continuation, 0],
        [types.continuation, 4],
      ],
    );
    assert.ok(frames.every(({ payload }) => payload.length <= 16_384));
    assert.ok(new Blocks().read(...frames.map(({ payload }) => payload))?.includes(`x-l: ${long}`));
  });

  test('a reply behind the begin of a response takes its place until something was sent', async () => {
    const client = new H2Client();
    client.send(get(1), get(3));
    const [first, second] = client.exchanges;
    first?.client.begin(responseHead(200));
    first?.client.reply(replyOf(503, 'no'));
    second?.client.begin(responseHead(200));
    second?.client.send([Buffer.from('x')], false);
    second?.client.reply(replyOf(503, 'no'));
    assert.deepEqual([first?.replied, second?.replied], [true, false]);
    const frames = await client.frames();
    assert.ok(blocks(frames)[0]?.includes(':status: 503'));
    assert.equal(resetCode(frames, 3), errors.internal);
  });

  const trailers = { names: ['x-sum', 'connection', 'x-more'], values: ['abc', 'close', '1'] };

  test('end with trailers, which have no fields of a connection', async () => {
    for (const pieces of [[], [Buffer.from('body')]]) {
      const client = new H2Client();
      client.send(get(1));
      client.exchange().client.begin(responseHead(200));
      client.exchange().client.setTrailers?.(trailers);
      assert.equal(client.exchange().client.send(pieces, true), true);
      const frames = (await client.frames()).filter(({ stream }) => stream === 1);
      const content = pieces.map((): [number, number] => [types.data, 0]);
      assert.deepEqual(kindsOf(frames), [[types.headers, 4], ...content, [types.headers, 5]]);
      assert.deepEqual(blocks(frames).at(-1), ['x-sum: abc', 'x-more: 1']);
    }
  });

  test('keep their trailers until the client takes the body', async () => {
    const client = new H2Client();
    client.send(settings([0x4, 0]), get(1));
    const { client: stream } = client.exchange();
    stream.begin(responseHead(200));
    stream.send([Buffer.from('bo')], false);
    await client.frames();
    client.send(windowUpdate(1, 2));
    stream.setTrailers?.(trailers);
    assert.equal(stream.send([Buffer.from('dy')], true), false);
    assert.deepEqual(kindsOf(await client.frames()), [[types.data, 0]]);
    client.send(windowUpdate(1, 2));
    const end = [
      [types.data, 0],
      [types.headers, 5],
    ];
    assert.deepEqual(kindsOf(await client.frames()), end);
    assert.equal(client.exchange().drained, 2);
  });

  test('without a body have no trailers, and neither has a reply in their place', async () => {
    const client = new H2Client();
    client.send(get(1), get(3));
    const [first, second] = client.exchanges;
    first?.client.begin({ ...responseHead(304), framing: 'none' });
    first?.client.setTrailers?.(trailers);
    first?.client.send([], true);
    second?.client.begin(responseHead(200));
    second?.client.setTrailers?.(trailers);
    second?.client.reply(replyOf(502, 'no'));
    const frames = (await client.frames()).filter(({ stream }) => stream > 0);
    const expected = [
      [types.headers, 5],
      [types.headers, 4],
      [types.data, 1],
    ];
    assert.deepEqual(kindsOf(frames), expected);
  });

  test('come behind interim responses, not before one', async () => {
    const client = new H2Client();
    client.send(get(1));
    const { client: stream } = client.exchange();
    const hints = { ...responseHead(103, -1, '\r\nLink: </a>'), framing: 'none' } as const;
    stream.sendInterim?.(hints);
    stream.sendInterim?.(hints);
    client.exchange().respond();
    stream.sendInterim?.(hints);
    const frames = await client.frames();
    const heads = blocks(frames).map((fields) => fields?.slice(0, 2));
    const hint = [':status: 103', 'link: </a>'];
    assert.deepEqual(heads, [hint, hint, [':status: 200', 'content-length: 2']]);
    assert.ok(frames.every(({ type, flags: flag }) => type !== types.headers || flag === 4));
  });

  test('100 (Continue) comes when the body is wanted, not before, and not behind its first byte', async () => {
    const client = new H2Client();
    client.send(
      settings(),
      post(1, ['expect', '100-continue']),
      post(3, ['expect', '100-continue']),
      post(5),
    );
    assert.deepEqual(blocks(await client.frames()), []);
    client.exchange(0).client.resumeBody();
    client.exchange(0).client.resumeBody();
    client.send(data(3, 'x'));
    client.exchange(1).client.resumeBody();
    client.exchange(2).client.resumeBody();
    const frames = await client.frames();
    assert.deepEqual(blocks(frames), [[':status: 100']]);
    assert.deepEqual(
      frames.map(({ stream, flags: flag }) => [stream, flag]),
      [[1, 4]],
    );
    client.exchange(0).respond();
    assert.equal((await client.frames())[0]?.stream, 1);
  });
});
