/** The start of a hash; the hash of a text is the start of the hash of what follows it. */
export const EMPTY_HASH: number = 0x811c9dc5 | 0;

/**
 * A hash of a text, the same in every process and after every start. Where clients choose texts, they can choose texts
 * with equal hashes, so nothing may depend on the difference.
 * @param start `EMPTY_HASH`, or the hash of the text before.
 * @returns a number that fits 32 bits, with sign.
 */
export function hashText(text: string, start: number): number {
  let hash = start;
  // FNV-1a on characters; the multiplications at the end let each bit of the text reach each bit of the hash.
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mixBits(hash ^ text.length);
}

/** Another number of 32 bits, which looks unrelated. Different numbers give different ones. */
export function mixBits(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
