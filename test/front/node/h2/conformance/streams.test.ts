import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  data,
  flags,
  get,
  getBlock,
  goAwayCode,
  H2Client,
  post,
  reset,
  resetCode,
  responseHead,
  windowUpdate,
} from '../client.ts';
import { frame, types } from '../frames.ts';
import { checkRows, errors } from './rows.ts';

const block = getBlock();
const trailers = (stream: number): Buffer => frame(types.headers, flags.end, stream, block);
const continuation = (stream: number): Buffer => frame(types.continuation, flags.endHeaders, stream, block);

checkRows('RFC 9113 §5.1: an idle stream', {
  'takes no DATA': { send: [data(1, 'x')], expect: { goaway: errors.protocol } },
  'takes no RST_STREAM': { send: [get(1), reset(3)], expect: { goaway: errors.protocol } },
  'takes no WINDOW_UPDATE': { send: [get(1), windowUpdate(3, 1)], expect: { goaway: errors.protocol } },
  'takes no CONTINUATION': { send: [continuation(1)], expect: { goaway: errors.protocol } },
  'that only a server can open takes nothing': {
    send: [get(3), windowUpdate(2, 1)],
    expect: { goaway: errors.protocol },
  },
});

checkRows('RFC 9113 §5.1: a stream half closed by the client', {
  'takes no DATA': { send: [get(1), data(1, 'x')], expect: { reset: errors.streamClosed } },
  'takes no HEADERS': { send: [get(1), trailers(1)], expect: { reset: errors.streamClosed } },
  'takes no CONTINUATION': { send: [get(1), continuation(1)], expect: { goaway: errors.protocol } },
  'takes no DATA behind a body': {
    send: [post(1), data(1, 'x', true), data(1, 'y')],
    expect: { reset: errors.streamClosed },
    also: (client) => assert.equal(client.exchange().body, 'x'),
  },
});

checkRows('RFC 9113 §5.1: a closed stream', {
  'takes no DATA behind END_STREAM': {
    responds: true,
    send: [get(1), data(1, 'x')],
    expect: { reset: errors.streamClosed },
  },
  'takes no HEADERS behind END_STREAM': {
    responds: true,
    send: [get(1), trailers(1)],
    expect: { goaway: errors.streamClosed },
  },
  'takes no CONTINUATION behind END_STREAM': {
    responds: true,
    send: [get(1), continuation(1)],
    expect: { goaway: errors.protocol },
  },
  'takes no DATA behind the RST_STREAM of the client': {
    send: [post(1), reset(1), data(1, 'x')],
    expect: { reset: errors.streamClosed },
  },
  'takes no HEADERS behind the RST_STREAM of the client': {
    send: [post(1), reset(1), trailers(1)],
    expect: { reset: errors.streamClosed },
  },
  'takes no CONTINUATION behind the RST_STREAM of the client': {
    send: [post(1), reset(1), continuation(1)],
    expect: { goaway: errors.protocol },
  },
  'drops what the client sent before it knew of our RST_STREAM': {
    send: [post(1), windowUpdate(1, 0), data(1, 'x'), trailers(1), windowUpdate(1, 1), reset(1), get(3)],
    expect: { reset: errors.protocol },
    also: (client) =>
      assert.deepEqual(
        client.exchanges.map(({ aborted }) => aborted),
        [true, false],
      ),
  },
  'takes WINDOW_UPDATE and RST_STREAM': {
    responds: true,
    send: [get(1), windowUpdate(1, 1), reset(1), get(3)],
    expect: { requests: 2 },
  },
});

checkRows('RFC 9113 §5.1.1: identifiers', {
  'of clients are odd': { send: [get(2)], expect: { goaway: errors.protocol } },
  'only grow': { send: [get(5), get(3)], expect: { goaway: errors.protocol } },
  'may leave some out': { send: [get(1), get(101), get(0x7fffffff)], expect: { requests: 3 } },
  'that were left out are closed': {
    send: [get(5), data(3, 'x')],
    expect: { reset: errors.streamClosed, stream: 3 },
  },
});

checkRows('RFC 9113 §5.1.2: concurrency', {
  'as announced is served': {
    send: Array.from({ length: 128 }, (_, at) => get(2 * at + 1)),
    expect: { requests: 128 },
  },
  'above it is refused, and the block counts': {
    send: Array.from({ length: 129 }, (_, at) => get(2 * at + 1)),
    expect: { reset: errors.refused, stream: 257 },
    also: (client) => assert.equal(client.exchanges.length, 128),
  },
  'is free again behind a response': {
    responds: true,
    send: Array.from({ length: 300 }, (_, at) => get(2 * at + 1)),
    expect: { requests: 300 },
  },
});

test('§5.1: DATA behind a response that came before the end of the request is dropped, and the client told to stop', async () => {
  const client = new H2Client();
  client.send(post(1), data(1, 'a'));
  await client.frames();
  client.exchange().respond('early');
  const frames = await client.frames();
  assert.deepEqual(
    frames.map(({ type, flags: flag }) => [type, flag]),
    [
      [types.headers, 4],
      [types.data, 1],
      [types.reset, 0],
    ],
  );
  assert.equal(resetCode(frames, 1), errors.none);
  client.send(data(1, 'b'), data(1, 'c', true));
  assert.deepEqual(await client.frames(), []);
  assert.equal(client.exchange().body, 'a');
});

test('§5.1: a body that is kept goes on behind the response, and ends the stream', async () => {
  const client = new H2Client();
  client.send(post(1), data(1, 'a'));
  client.exchange().client.keepBody(0);
  client.exchange().respond('early');
  client.send(data(1, 'b'), data(1, 'c', true));
  const frames = await client.frames();
  assert.equal(resetCode(frames, 1), undefined);
  assert.equal(client.exchange().body, 'abc');
  client.exchange().client.releaseBody();
  client.send(data(1, 'x'));
  assert.equal(resetCode(await client.frames(), 1), errors.streamClosed);
});

test('§8.1: a kept body that is released ends with RST_STREAM and NO_ERROR', async () => {
  const client = new H2Client();
  client.send(post(1), data(1, 'a'));
  client.exchange().client.keepBody(0);
  client.exchange().respond('early');
  assert.equal(resetCode(await client.frames(), 1), undefined);
  client.exchange().client.releaseBody();
  assert.equal(resetCode(await client.frames(), 1), errors.none);
  client.send(data(1, 'b', true));
  assert.equal(client.exchange().body, 'a');
});

test('§5.4.2: a response that is cut off does not look whole', async () => {
  const client = new H2Client();
  client.send(get(1), get(3));
  const { client: stream } = client.exchange();
  stream.begin(responseHead(200));
  stream.send([Buffer.from('part')], false);
  assert.equal(stream.started, true);
  stream.abort();
  client.exchange(1).client.abort();
  const frames = await client.frames();
  assert.equal(resetCode(frames, 1), errors.internal);
  assert.equal(resetCode(frames, 3), errors.internal);
  const sent = frames.filter(({ stream: id, type }) => id > 0 && type !== types.reset);
  assert.deepEqual(
    sent.map(({ flags: flag }) => flag & 1),
    [0, 0],
  );
  assert.equal(goAwayCode(frames), undefined);
});
