/**
 * Bytes read from upstream at once. All connections share one buffer, because a read and everything that is done
 * with its bytes happen in one turn; what a slow client cannot take is copied out of it, so this also bounds what
 * one slow client costs.
 */
const READ_BYTES = 128 * 1024;

/** The buffer that all connections of a process may share. */
export function readBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(READ_BYTES);
}
