import { Buffer } from 'node:buffer';
import { ConnectionFault, FLOW_CONTROL_ERROR, FRAME_BYTES, MAX_31_BITS, PROTOCOL_ERROR } from './codes.ts';

const HEADER_TABLE_SIZE = 0x1;
const ENABLE_PUSH = 0x2;
const MAX_CONCURRENT_STREAMS = 0x3;
const INITIAL_WINDOW_SIZE = 0x4;
const MAX_FRAME_SIZE = 0x5;
const MAX_HEADER_LIST_SIZE = 0x6;
const ENABLE_CONNECT_PROTOCOL = 0x8;
const NO_RFC7540_PRIORITIES = 0x9;

/** Bytes of one setting. */
export const SETTING_BYTES = 6;
/** The largest SETTINGS_MAX_FRAME_SIZE (RFC 9113 §6.5.2). */
const LARGEST_FRAME = 2 ** 24 - 1;

/**
 * The payload of our SETTINGS. The table and the size of frames stay as they are without it.
 * @param window bytes that a client may send on a new stream. @param headBytes of a request, as §6.5.2 counts them.
 * @param connects an extended CONNECT is served, and will be as long as the connection lasts (RFC 8441 §3).
 */
export function ourSettings(streams: number, window: number, headBytes: number, connects: boolean): Buffer {
  const pairs = [
    [MAX_CONCURRENT_STREAMS, streams],
    [INITIAL_WINDOW_SIZE, window],
    [MAX_HEADER_LIST_SIZE, headBytes],
    [NO_RFC7540_PRIORITIES, 1],
    ...(connects ? ([[ENABLE_CONNECT_PROTOCOL, 1]] as const) : []),
  ] as const;
  const payload = Buffer.alloc(pairs.length * SETTING_BYTES);
  pairs.forEach(([id, value], at) => {
    payload.writeUInt16BE(id, at * SETTING_BYTES);
    payload.writeUInt32BE(value, at * SETTING_BYTES + 2);
  });
  return payload;
}

/**
 * Checks a client's settings, [from, to) of `bytes` (RFC 9113 §6.5.2). Unknown ones are ignored, and so is what concerns
 * only what this side does not do: it pushes nothing, sends small frames and uses no table.
 * @returns the client's window for new streams, in bytes; -1 when it is not named.
 * @throws ConnectionFault
 */
export function readSettings(bytes: Buffer, from: number, to: number): number {
  let window = -1;
  for (let at = from; at < to; at += SETTING_BYTES) {
    const value = bytes.readUInt32BE(at + 2);
    switch (bytes.readUInt16BE(at)) {
      case ENABLE_PUSH:
      case ENABLE_CONNECT_PROTOCOL:
      case NO_RFC7540_PRIORITIES:
        if (value > 1) throw new ConnectionFault(PROTOCOL_ERROR);
        break;
      case INITIAL_WINDOW_SIZE:
        if (value > MAX_31_BITS) throw new ConnectionFault(FLOW_CONTROL_ERROR);
        window = value;
        break;
      case MAX_FRAME_SIZE:
        if (value < FRAME_BYTES || value > LARGEST_FRAME) throw new ConnectionFault(PROTOCOL_ERROR);
        break;
      case HEADER_TABLE_SIZE:
      case MAX_HEADER_LIST_SIZE:
        break;
    }
  }
  return window;
}
