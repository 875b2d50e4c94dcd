/** The reflected polynomial of CRC-32C (RFC 3720 Appendix B.4). */
const POLYNOMIAL = 0x82f6_3b78;
const BITS = 8;

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < BITS; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  return remainder;
});

/**
 * The CRC-32C of a message that carries its own checksum: the four bytes of the checksum count as zero.
 * @param checksumAt offset of these four bytes. @returns an unsigned number of 32 bits.
 */
export function crc32cWithout(bytes: Uint8Array, checksumAt: number): number {
  let crc = -1;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = at >= checksumAt && at < checksumAt + 4 ? 0 : (bytes[at] as number);
    crc = (crc >>> BITS) ^ (table[(crc ^ byte) & 0xff] as number);
  }
  return ~crc >>> 0;
}
