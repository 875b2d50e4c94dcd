import { codeLengths, codes } from '../../../../../src/front/node/h2/hpack/huffman.ts';

/** Huffman code of a text, one byte a character; the bits that are left of the last byte are `padding`. */
export function huffman(text: string, padding = '1'): Buffer {
  let bits = '';
  for (const character of text) {
    const byte = character.charCodeAt(0);
    bits += (codes[byte] as number).toString(2).padStart(codeLengths[byte] as number, '0');
  }
  while (bits.length % 8 !== 0) bits += padding;
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

/** An integer behind a prefix of `prefix` bits, whose other bits are those of `flags`. */
export function integer(flags: number, prefix: number, value: number): Buffer {
  const mask = 2 ** prefix - 1;
  if (value < mask) return Buffer.of(flags | value);
  const bytes = [flags | mask];
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

export function text(value: string, coded: boolean): Buffer {
  const bytes = coded ? huffman(value) : Buffer.from(value, 'latin1');
  return Buffer.concat([integer(coded ? 0x80 : 0, 7, bytes.length), bytes]);
}

export const indexed = (index: number): Buffer => integer(0x80, 7, index);
export const sizeUpdate = (bytes: number): Buffer => integer(0x20, 5, bytes);

/** How a literal treats the table (RFC 7541 §6.2). */
export type Indexing = 'incremental' | 'without' | 'never';
const prefixes = { incremental: [0x40, 6], without: [0x00, 4], never: [0x10, 4] } as const;

/** @param name a text, or the index of a field with that name. */
export function literal(indexing: Indexing, name: string | number, value: string, coded = false): Buffer {
  const [flags, prefix] = prefixes[indexing];
  const start = integer(flags, prefix, typeof name === 'number' ? name : 0);
  const named = typeof name === 'number' ? [] : [text(name, coded)];
  return Buffer.concat([start, ...named, text(value, coded)]);
}
