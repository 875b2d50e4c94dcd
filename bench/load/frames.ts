import { Buffer } from 'node:buffer';

/** The opcode of a binary message in one frame (RFC 6455 §5.2). */
const FIN_BINARY = 0x82;
const MASKED = 0x80;
/** Lengths from here on stand in the 64 bits behind the second byte. */
const LONG = 0x1_0000;
const MEDIUM = 126;

/** Bytes of a masked frame that come before a payload of up to 125 bytes. */
export const MASKED_HEADER = 6;

/** A frame as a server sends it. */
export function bareFrame(payload: Uint8Array): Buffer {
  return Buffer.concat([header(payload.length, 0), payload]);
}

/** A frame as a client sends it. @param key 4 bytes. */
export function maskedFrame(payload: Uint8Array, key: Uint8Array): Buffer {
  const masked = payload.map((byte, at) => byte ^ (key[at % 4] as number));
  return Buffer.concat([header(payload.length, MASKED), key, masked]);
}

function header(length: number, mask: number): Buffer {
  if (length < MEDIUM) return Buffer.of(FIN_BINARY, mask | length);
  const isLong = length >= LONG;
  const bytes = Buffer.alloc(isLong ? 10 : 4);
  bytes[0] = FIN_BINARY;
  bytes[1] = mask | (isLong ? MEDIUM + 1 : MEDIUM);
  if (isLong) bytes.writeBigUInt64BE(BigInt(length), 2);
  else bytes.writeUInt16BE(length, 2);
  return bytes;
}
