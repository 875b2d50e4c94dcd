/** Frame types (RFC 9113 §6). */
export const DATA = 0x0;
export const HEADERS = 0x1;
export const PRIORITY = 0x2;
export const RST_STREAM = 0x3;
export const SETTINGS = 0x4;
export const PUSH_PROMISE = 0x5;
export const PING = 0x6;
export const GOAWAY = 0x7;
export const WINDOW_UPDATE = 0x8;
export const CONTINUATION = 0x9;

/** Flags of frames. */
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const HAS_PRIORITY = 0x20;

/** Error codes (RFC 9113 §7). */
export const NO_ERROR = 0x0;
export const PROTOCOL_ERROR = 0x1;
export const INTERNAL_ERROR = 0x2;
export const FLOW_CONTROL_ERROR = 0x3;
export const SETTINGS_TIMEOUT = 0x4;
export const STREAM_CLOSED = 0x5;
export const FRAME_SIZE_ERROR = 0x6;
export const REFUSED_STREAM = 0x7;
export const CANCEL = 0x8;
export const COMPRESSION_ERROR = 0x9;
export const ENHANCE_YOUR_CALM = 0xb;

/** Bytes of the payload of one frame, in both directions: what every endpoint takes (RFC 9113 §4.2). */
export const FRAME_BYTES = 16_384;

/** The largest window (RFC 9113 §6.9.1), and the largest stream identifier (§5.1.1). */
export const MAX_31_BITS = 2 ** 31 - 1;

/** A fault of the client after which the connection cannot go on (RFC 9113 §5.4.1). */
export class ConnectionFault extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`HTTP/2 connection error ${code}`);
    this.code = code;
  }
}
