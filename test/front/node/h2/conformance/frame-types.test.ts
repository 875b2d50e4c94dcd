import assert from 'node:assert/strict';
import { data, flags, get, getBlock, post, reset, windowUpdate } from '../client.ts';
import { frame, settings, types, uint32 } from '../frames.ts';
import { checkRows, errors } from './rows.ts';

const block = getBlock();
/** The payload of a frame with `padding` bytes behind `content`. */
const padded = (content: Uint8Array, padding: number, claimed = padding): Buffer =>
  Buffer.concat([Buffer.of(claimed), content, Buffer.alloc(padding)]);
const priority = (dependency: number, weight = 15): Buffer =>
  Buffer.concat([uint32(dependency), Buffer.of(weight)]);
const continuation = (stream: number, payload: Uint8Array, flag = 0): Buffer =>
  frame(types.continuation, flag, stream, payload);
const openBlock = frame(types.headers, flags.endStream, 1, block.subarray(0, 3));

checkRows('RFC 9113 §6.1: DATA', {
  'with padding is taken without it': {
    send: [post(1), frame(types.data, flags.padded, 1, padded(Buffer.from('ab'), 6)), data(1, 'c', true)],
    expect: { requests: 1 },
    also: (client) => assert.equal(client.exchange().body, 'abc'),
  },
  'with nothing but padding ends a body': {
    send: [post(1), data(1, 'x'), frame(types.data, 9, 1, padded(Buffer.of(), 255))],
    expect: { requests: 1 },
    also: (client) => assert.equal(client.exchange().body, 'x'),
  },
  'on stream 0 is refused': { send: [data(0, 'x')], expect: { goaway: errors.protocol } },
  'with padding as long as the payload is refused': {
    send: [post(1), frame(types.data, flags.padded, 1, padded(Buffer.of(), 3, 4))],
    expect: { goaway: errors.protocol },
  },
  'with padding and no room for its length is refused': {
    send: [post(1), frame(types.data, flags.padded, 1)],
    expect: { goaway: errors.frameSize },
  },
});

checkRows('RFC 9113 §6.2: HEADERS', {
  'with padding and a priority are taken': {
    send: [
      frame(types.headers, flags.end | flags.padded, 1, padded(block, 9)),
      frame(types.headers, flags.end | flags.priority, 3, Buffer.concat([priority(1), block])),
      frame(
        types.headers,
        flags.end | flags.padded | flags.priority,
        5,
        padded(Buffer.concat([priority(3), block]), 2),
      ),
    ],
    expect: { requests: 3 },
  },
  'on stream 0 are refused': {
    send: [frame(types.headers, flags.end, 0, block)],
    expect: { goaway: errors.protocol },
  },
  'with padding as long as the payload are refused': {
    send: [frame(types.headers, flags.end | flags.padded, 1, padded(block, 0, block.length + 1))],
    expect: { goaway: errors.protocol },
  },
  'with padding that reaches into the priority are refused': {
    send: [frame(types.headers, flags.end | flags.padded | flags.priority, 1, padded(priority(0), 0, 1))],
    expect: { goaway: errors.protocol },
  },
  'too short for their flags are refused': {
    send: [frame(types.headers, flags.end | flags.priority, 1, Buffer.alloc(4))],
    expect: { goaway: errors.frameSize },
  },
  'with padding and no room for its length are refused': {
    send: [frame(types.headers, flags.end | flags.padded, 1)],
    expect: { goaway: errors.frameSize },
  },
  'that depend on their own stream are refused (RFC 7540 §5.3.1)': {
    send: [frame(types.headers, flags.end | flags.priority, 1, Buffer.concat([priority(1), block]))],
    expect: { goaway: errors.protocol },
  },
});

checkRows('RFC 9113 §6.3: PRIORITY', {
  'is ignored in every state of a stream': {
    responds: true,
    send: [
      frame(types.priority, 0, 1, priority(0, 255)),
      frame(types.priority, 0, 9, priority(0x80000001)),
      get(1),
      frame(types.priority, 0, 1, priority(3)),
      get(3),
    ],
    expect: { requests: 2 },
  },
  'on stream 0 is refused': {
    send: [frame(types.priority, 0, 0, priority(1))],
    expect: { goaway: errors.protocol },
  },
  'of another size is refused': {
    send: [get(1), frame(types.priority, 0, 1, Buffer.alloc(4))],
    expect: { goaway: errors.frameSize },
  },
  'that depends on its own stream is refused (RFC 7540 §5.3.1)': {
    send: [frame(types.priority, 0, 1, priority(1))],
    expect: { goaway: errors.protocol },
  },
});

checkRows('RFC 9113 §6.4: RST_STREAM', {
  'ends an exchange, also with an unknown error code (§7)': {
    send: [get(1), reset(1, 0xff), get(3)],
    expect: { requests: 2 },
    also: (client) =>
      assert.deepEqual(
        client.exchanges.map(({ aborted }) => aborted),
        [true, false],
      ),
  },
  'on stream 0 is refused': { send: [reset(0)], expect: { goaway: errors.protocol } },
  'on an idle stream is refused': { send: [reset(1)], expect: { goaway: errors.protocol } },
  'of another size is refused': {
    send: [get(1), frame(types.reset, 0, 1, Buffer.alloc(3))],
    expect: { goaway: errors.frameSize },
  },
});

checkRows('RFC 9113 §6.5: SETTINGS', {
  'are acknowledged each time': {
    send: [settings(), settings([0x3, 100], [0x4, 70_000]), get(1)],
    expect: { requests: 1 },
    also: (_, frames) =>
      assert.equal(frames.filter(({ type, flags: flag }) => type === types.settings && flag === 1).length, 3),
  },
  'that are unknown are ignored (§6.5.2)': {
    send: [settings([0xff, 1], [0x0, 0xffffffff], [0xabcd, 7]), get(1)],
    expect: { requests: 1 },
  },
  'with their limits are taken': {
    send: [
      settings([0x1, 0], [0x2, 0], [0x3, 0], [0x4, 0], [0x5, 16_384], [0x6, 0]),
      settings([0x1, 0xffffffff], [0x2, 1], [0x4, 0x7fffffff], [0x5, 0xffffff], [0x6, 0xffffffff], [0x9, 1]),
      get(1),
    ],
    expect: { requests: 1 },
  },
  'with ACK and a payload are refused': {
    send: [frame(types.settings, flags.ack, 0, Buffer.alloc(6))],
    expect: { goaway: errors.frameSize },
  },
  'on another stream than 0 are refused': {
    send: [frame(types.settings, 0, 1)],
    expect: { goaway: errors.protocol },
  },
  'of another size than a multiple of 6 are refused': {
    send: [frame(types.settings, 0, 0, Buffer.alloc(7))],
    expect: { goaway: errors.frameSize },
  },
  'ENABLE_PUSH above 1 is refused': { send: [settings([0x2, 2])], expect: { goaway: errors.protocol } },
  'INITIAL_WINDOW_SIZE above 2^31-1 is refused': {
    send: [settings([0x4, 0x80000000])],
    expect: { goaway: errors.flowControl },
  },
  'MAX_FRAME_SIZE below 2^14 is refused': {
    send: [settings([0x5, 16_383])],
    expect: { goaway: errors.protocol },
  },
  'MAX_FRAME_SIZE above 2^24-1 is refused': {
    send: [settings([0x5, 0x1000000])],
    expect: { goaway: errors.protocol },
  },
  'NO_RFC7540_PRIORITIES above 1 is refused (RFC 9218 §2.1)': {
    send: [settings([0x9, 2])],
    expect: { goaway: errors.protocol },
  },
});

checkRows('RFC 9113 §6.6: PUSH_PROMISE', {
  'of a client is refused (§8.4)': {
    send: [get(1), frame(types.push, flags.endHeaders, 1, Buffer.concat([uint32(2), block]))],
    expect: { goaway: errors.protocol },
  },
});

checkRows('RFC 9113 §6.7: PING', {
  'is acknowledged with its payload': {
    send: [frame(types.ping, 0, 0, Buffer.from('abcdefgh'))],
    expect: { requests: 0 },
    also: (_, frames) => {
      const pong = frames.find(({ type }) => type === types.ping);
      assert.deepEqual([pong?.flags, pong?.stream, `${pong?.payload}`], [1, 0, 'abcdefgh']);
    },
  },
  'with ACK is not acknowledged': {
    send: [frame(types.ping, flags.ack, 0, Buffer.alloc(8))],
    expect: { requests: 0 },
    also: (_, frames) => assert.ok(!frames.some(({ type }) => type === types.ping)),
  },
  'on another stream than 0 is refused': {
    send: [frame(types.ping, 0, 1, Buffer.alloc(8))],
    expect: { goaway: errors.protocol },
  },
  'of another size is refused': {
    send: [frame(types.ping, 0, 0, Buffer.alloc(6))],
    expect: { goaway: errors.frameSize },
  },
});

checkRows('RFC 9113 §6.8: GOAWAY', {
  'with any error code leaves requests as they are (§7)': {
    send: [get(1), frame(types.goaway, 0, 0, Buffer.concat([uint32(0), uint32(0xff), Buffer.from('why')]))],
    expect: { requests: 1 },
    also: (client) => assert.equal(client.exchange().aborted, false),
  },
  'on another stream than 0 is refused': {
    send: [frame(types.goaway, 0, 1, Buffer.alloc(8))],
    expect: { goaway: errors.protocol },
  },
  'too short is refused': {
    send: [frame(types.goaway, 0, 0, Buffer.alloc(7))],
    expect: { goaway: errors.frameSize },
  },
});

checkRows('RFC 9113 §6.9: WINDOW_UPDATE', {
  'is taken on the connection and on streams in every state but idle': {
    responds: true,
    send: [windowUpdate(0, 1), post(1), windowUpdate(1, 5), data(1, 'x', true), windowUpdate(1, 5), get(3)],
    expect: { requests: 2 },
  },
  'of 0 on the connection is refused': { send: [windowUpdate(0, 0)], expect: { goaway: errors.protocol } },
  'of 0 on a stream is refused': { send: [get(1), windowUpdate(1, 0)], expect: { reset: errors.protocol } },
  'of another size is refused': {
    send: [frame(types.window, 0, 0, Buffer.alloc(3))],
    expect: { goaway: errors.frameSize },
  },
  'of another size on a stream is refused': {
    send: [get(1), frame(types.window, 0, 1, Buffer.alloc(5))],
    expect: { goaway: errors.frameSize },
  },
  'on an idle stream is refused': { send: [windowUpdate(1, 1)], expect: { goaway: errors.protocol } },
  'beyond 2^31-1 on the connection is refused (§6.9.1)': {
    send: [windowUpdate(0, 0x7fffffff)],
    expect: { goaway: errors.flowControl },
  },
  'beyond 2^31-1 on a stream is refused (§6.9.1)': {
    send: [get(1), windowUpdate(1, 0x7fffffff)],
    expect: { reset: errors.flowControl },
  },
  'beyond 2^31-1 by new settings is refused (§6.9.2)': {
    send: [get(1), windowUpdate(1, 100), settings([0x4, 0x7fffffff])],
    expect: { goaway: errors.flowControl },
  },
});

checkRows('RFC 9113 §6.10: CONTINUATION', {
  'on stream 0 is refused': {
    send: [openBlock, continuation(0, Buffer.of())],
    expect: { goaway: errors.protocol },
  },
  'behind a whole block is refused': {
    send: [get(1), continuation(1, block, flags.endHeaders)],
    expect: { goaway: errors.protocol },
  },
  'behind another CONTINUATION that ended the block is refused': {
    send: [openBlock, continuation(1, block.subarray(3), flags.endHeaders), continuation(1, Buffer.of())],
    expect: { goaway: errors.protocol },
  },
  'behind DATA is refused': {
    send: [post(1), data(1, 'x'), continuation(1, block, flags.endHeaders)],
    expect: { goaway: errors.protocol },
  },
  'first of all is refused': {
    send: [continuation(1, block, flags.endHeaders)],
    expect: { goaway: errors.protocol },
  },
});
