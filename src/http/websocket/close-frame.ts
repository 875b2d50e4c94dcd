import { Buffer } from 'node:buffer';

/** The last fragment, with the opcode of Close (RFC 6455 §5.2). */
const FIN_CLOSE = 0x88;
/** Bytes of the payload of a control frame at most (RFC 6455 §5.5). */
const MAX_PAYLOAD = 125;

/** Status codes of RFC 6455 §7.4.1: the server goes away; a message breaks the policy of the server. */
export const GOING_AWAY = 1001;
export const POLICY_VIOLATION = 1008;

/** Bytes of the masking key (RFC 6455 §5.2). */
export const MASK_BYTES = 4;
/** The bit of the second byte that says that a key follows. */
const MASKED = 0x80;

/**
 * A Close frame (RFC 6455 §5.5.1).
 * @param reason ASCII, up to 123 characters.
 * @param key 4 random bytes where it goes to a server (§5.3); undefined: it goes to a client, unmasked.
 */
export function closeFrame(code: number, reason: string, key?: Uint8Array): Uint8Array {
  const text = Buffer.from(reason, 'latin1').subarray(0, MAX_PAYLOAD - 2);
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  if (key === undefined) return Buffer.concat([Buffer.of(FIN_CLOSE, payload.length), payload]);
  for (let at = 0; at < payload.length; at += 1) {
    payload[at] = (payload[at] as number) ^ (key[at % MASK_BYTES] as number);
  }
  return Buffer.concat([Buffer.of(FIN_CLOSE, MASKED + payload.length), key, payload]);
}
