import { createCipheriv, createHash } from 'node:crypto';

/**
 * Bytes that both sides can make from a number. They do not repeat, so that a lost, doubled or misplaced piece is
 * detected.
 */
export function bytesOf(seed: number, length: number): Buffer {
  const key = createHash('sha256').update(String(seed)).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
