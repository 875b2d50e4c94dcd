/**
 * Bytes read from upstream at once. All connections share one buffer, because a read and all use of its bytes happen in
 * one turn. Bytes that a slow client cannot take are copied out of it, so this also bounds the memory of one slow
 * client.
 */
const READ_BYTES = 128 * 1024;

/** A buffer for all connections of a process. */
export function readBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(READ_BYTES);
}
