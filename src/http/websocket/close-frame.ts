import { Buffer } from 'node:buffer';

/** The last fragment, with the opcode of Close (RFC 6455 §5.2). */
const FIN_CLOSE = 0x88;
/** Bytes of the payload of a control frame at most (RFC 6455 §5.5). */
const MAX_PAYLOAD = 125;

/** Status codes of RFC 6455 §7.4.1: the server goes away; a message breaks the policy of the server. */
export const GOING_AWAY = 1001;
export const POLICY_VIOLATION = 1008;

/** A Close frame as a server sends it, unmasked (RFC 6455 §5.5.1). @param reason ASCII, up to 123 characters. */
export function closeFrame(code: number, reason: string): Uint8Array {
  const text = Buffer.from(reason, 'latin1').subarray(0, MAX_PAYLOAD - 2);
  const frame = Buffer.allocUnsafe(4 + text.length);
  frame[0] = FIN_CLOSE;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}
