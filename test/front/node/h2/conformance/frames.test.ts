import assert from 'node:assert/strict';
import { data, flags, get, getBlock, post } from '../client.ts';
import { frame, PREFACE, settings, settingsAck, types, uint32 } from '../frames.ts';
import { indexed, literal, sizeUpdate } from '../hpack/reference-encoder.ts';
import { checkRows, errors } from './rows.ts';

const block = getBlock();
const priority = (dependency: number, weight = 15): Buffer =>
  Buffer.concat([uint32(dependency), Buffer.of(weight)]);
const continuation = (stream: number, payload: Uint8Array, flag = 0): Buffer =>
  frame(types.continuation, flag, stream, payload);
const openBlock = frame(types.headers, flags.endStream, 1, block.subarray(0, 3));
const whole = Buffer.alloc(16_384);

checkRows('RFC 9113 §3.4: the preface', {
  'and settings begin a connection': {
    bare: true,
    send: [PREFACE, settings(), settingsAck, get(1)],
    expect: { requests: 1 },
  },
  'may be followed by requests at once': {
    bare: true,
    send: [Buffer.concat([PREFACE, settings(), get(1), get(3)])],
    expect: { requests: 2 },
  },
  'of HTTP/1.1 is refused': {
    bare: true,
    send: [Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    expect: { goaway: errors.protocol },
  },
  'that differs in its last byte is refused': {
    bare: true,
    send: [PREFACE.subarray(0, -1), Buffer.from('x')],
    expect: { goaway: errors.protocol },
  },
  'is followed by SETTINGS and nothing else': {
    bare: true,
    send: [PREFACE, get(1)],
    expect: { goaway: errors.protocol },
  },
  'is not followed by an acknowledgement': {
    bare: true,
    send: [PREFACE, settingsAck],
    expect: { goaway: errors.protocol },
  },
  'is not followed by DATA': {
    bare: true,
    send: [PREFACE, data(1, 'x')],
    expect: { goaway: errors.protocol },
  },
});

checkRows('RFC 9113 §4.1: the frame format', {
  'unknown types are ignored': {
    send: [frame(0x16, 0xff, 0, whole), frame(0xff, 0, 7), frame(0x0a, 0, 1, Buffer.from('x')), get(1)],
    expect: { requests: 1 },
  },
  'unknown flags are ignored': {
    send: [frame(types.ping, 0xfe, 0, Buffer.alloc(8)), frame(types.headers, flags.end | 0xd2, 1, block)],
    expect: { requests: 1 },
    also: (_, frames) => assert.ok(frames.some(({ type, flags: flag }) => type === types.ping && flag === 1)),
  },
  'the reserved bit is ignored': {
    send: [
      frame(types.headers, flags.end, 0x80000001, block),
      frame(types.window, 0, 0x80000000, uint32(0x80000001)),
    ],
    expect: { requests: 1 },
  },
});

checkRows('RFC 9113 §4.2: the frame size', {
  'DATA of 2^14 bytes is taken': {
    send: [post(1), data(1, whole, true)],
    expect: { requests: 1 },
    also: (client) => assert.equal(client.exchange().body.length, 16_384),
  },
  'DATA of a byte more is refused': {
    send: [post(1), frame(types.data, 0, 1, Buffer.of(), 16_385)],
    expect: { goaway: errors.frameSize },
  },
  'HEADERS of a byte more are refused': {
    send: [frame(types.headers, flags.end, 1, Buffer.of(), 16_385)],
    expect: { goaway: errors.frameSize },
  },
  'unknown frames of a byte more are refused': {
    send: [frame(0x20, 0, 0, Buffer.of(), 16_385)],
    expect: { goaway: errors.frameSize },
  },
  'a frame of the largest size is refused at its header': {
    send: [frame(types.settings, 0, 0, Buffer.of(), 0xffffff)],
    expect: { goaway: errors.frameSize },
  },
});

checkRows('RFC 9113 §4.3: field blocks', {
  'that cannot be decoded end the connection': {
    send: [frame(types.headers, flags.end, 1, Buffer.of(0x40))],
    expect: { goaway: errors.compression },
  },
  'in several frames make one head': {
    send: [
      openBlock,
      continuation(1, block.subarray(3, 4)),
      continuation(1, Buffer.of()),
      continuation(1, block.subarray(4), flags.endHeaders),
    ],
    expect: { requests: 1 },
    also: (client) => assert.equal(client.exchange().client.head.host, 'a'),
  },
  'are not interrupted by PRIORITY': {
    send: [openBlock, frame(types.priority, 0, 1, priority(0))],
    expect: { goaway: errors.protocol },
  },
  'are not interrupted by a HEADERS frame of another stream': {
    send: [openBlock, get(3)],
    expect: { goaway: errors.protocol },
  },
  'are not interrupted by DATA': { send: [openBlock, data(1, 'x')], expect: { goaway: errors.protocol } },
  'are not interrupted by an unknown frame (§5.5)': {
    send: [openBlock, frame(0x42, 0, 0)],
    expect: { goaway: errors.protocol },
  },
  'are not continued on another stream': {
    send: [openBlock, continuation(3, block.subarray(3), flags.endHeaders)],
    expect: { goaway: errors.protocol },
  },
  'of a refused request count for the table': {
    send: [
      frame(types.headers, flags.end, 1, Buffer.concat([indexed(2), literal('incremental', 'x-a', 'y')])),
      frame(types.headers, flags.end, 3, Buffer.concat([block, indexed(62)])),
    ],
    expect: 'malformed',
    also: (client) => assert.deepEqual(client.exchange(1).client.head.names, ['host', 'x-a']),
  },
});

checkRows('RFC 7541: faults of a block end the connection', {
  '§2.3.3 an index behind the tables': {
    send: [frame(types.headers, flags.end, 1, Buffer.concat([block, indexed(70)]))],
    expect: { goaway: errors.compression },
  },
  '§4.2 a size update behind a field': {
    send: [frame(types.headers, flags.end, 1, Buffer.concat([block, sizeUpdate(1)]))],
    expect: { goaway: errors.compression },
  },
  '§5.2 padding of more than 7 bits': {
    send: [frame(types.headers, flags.end, 1, Buffer.concat([block, Buffer.from('0082fcff00', 'hex')]))],
    expect: { goaway: errors.compression },
  },
  '§5.2 padding with zeros': {
    send: [frame(types.headers, flags.end, 1, Buffer.concat([block, Buffer.from('00811800', 'hex')]))],
    expect: { goaway: errors.compression },
  },
  '§5.2 EOS in a string': {
    send: [frame(types.headers, flags.end, 1, Buffer.concat([block, Buffer.from('0084ffffffff00', 'hex')]))],
    expect: { goaway: errors.compression },
  },
  '§6.1 index 0': {
    send: [frame(types.headers, flags.end, 1, Buffer.concat([block, Buffer.of(0x80)]))],
    expect: { goaway: errors.compression },
  },
  '§6.3 a table larger than the settings': {
    send: [frame(types.headers, flags.end, 1, Buffer.concat([sizeUpdate(4097), block]))],
    expect: { goaway: errors.compression },
  },
});
