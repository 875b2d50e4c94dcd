import { Buffer } from 'node:buffer';
import { DynamicTable } from './dynamic-table.ts';
import { type DecodedField, decodedField, type FieldList, type KindOf } from './field.ts';
import { decodeHuffman } from './huffman.ts';
import { LONG_BYTES, type RepeatedLiterals } from './repeated-literals.ts';
import { staticTable } from './static-table.ts';

/** Bytes behind the prefix of an integer. Four carry 28 bits, far more than any index or length that is accepted. */
const MAX_INTEGER_BYTES = 4;
/** Updates of the table's size at the beginning of one block (RFC 7541 §4.2): the smallest size, and the final one. */
const MAX_SIZE_UPDATES = 2;

/**
 * Decodes the field blocks of one connection (RFC 7541). A block changes the state of all that follow, so each must be
 * decoded, even one whose request is refused; after a fault the connection cannot go on (RFC 9113 §4.3).
 */
export class HpackDecoder {
  readonly #table = new DynamicTable();
  readonly #kindOf: KindOf;
  readonly #static: readonly DecodedField[];
  readonly #repeated: RepeatedLiterals;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;

  /** @param fixed `staticFields` for the same `kindOf`; all connections share them, and `repeated`. */
  constructor(kindOf: KindOf, fixed: readonly DecodedField[], repeated: RepeatedLiterals) {
    this.#kindOf = kindOf;
    this.#static = fixed;
    this.#repeated = repeated;
  }

  /** Bytes that the dynamic table counts. */
  get tableBytes(): number {
    return this.#table.bytes;
  }

  /**
   * Decodes one whole block, [from, to) of `bytes`. All text is copied out of it. The work is in proportion to the
   * bytes, whatever they refer to.
   * @returns false when the block breaks a rule: COMPRESSION_ERROR (RFC 9113 §4.3).
   */
  decode(bytes: Buffer, from: number, to: number, list: FieldList): boolean {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
    let updates = 0;
    while (this.#at < to) {
      const byte = bytes[this.#at] as number;
      if (byte >= 0x80) {
        const field = this.#field(this.#integer(0x7f));
        if (field === undefined) return false;
        list.add(field);
      } else if (byte >= 0x40) {
        const field = this.#literal(0x3f, list);
        if (field === undefined) return false;
        this.#table.add(field);
        list.add(field);
      } else if (byte >= 0x20) {
        updates += 1;
        const size = this.#integer(0x1f);
        if (size < 0 || updates > MAX_SIZE_UPDATES || !this.#table.resize(size)) return false;
        continue;
      } else {
        const field = this.#literal(0x0f, list);
        if (field === undefined) return false;
        list.add(field);
      }
      // Behind the first field no update may follow.
      updates = MAX_SIZE_UPDATES;
    }
    return true;
  }

  /** The field with this index in both tables (RFC 7541 §2.3.3); undefined for 0 and behind the last. */
  #field(index: number): DecodedField | undefined {
    const fixed = this.#static.length;
    return index <= fixed ? this.#static[index - 1] : this.#table.at(index - fixed - 1);
  }

  /** A literal field (RFC 7541 §6.2), whose name may be that of another one. */
  #literal(mask: number, list: FieldList): DecodedField | undefined {
    const index = this.#integer(mask);
    if (index < 0) return undefined;
    const name = index === 0 ? this.#text() : this.#field(index)?.name;
    if (name === undefined) return undefined;
    const from = this.#at;
    const length = this.#textLength();
    if (length < 0) return undefined;
    const to = this.#at + length;
    const known = length < LONG_BYTES ? undefined : this.#repeated.recall(name, this.#bytes, from, to);
    if (known !== undefined) {
      this.#at = to;
      return known;
    }
    list.hasNew = true;
    const value = this.#textAt(from, length);
    if (value === undefined) return undefined;
    const field = decodedField(name, value, this.#kindOf);
    if (length >= LONG_BYTES) this.#repeated.keep(field, this.#bytes, from, to);
    return field;
  }

  /** A string (RFC 7541 §5.2); undefined when it is broken or longer than the block. */
  #text(): string | undefined {
    const from = this.#at;
    const length = this.#textLength();
    return length < 0 ? undefined : this.#textAt(from, length);
  }

  /** Reads the length of a string; -1 when it is broken or more than the block has. */
  #textLength(): number {
    if (this.#at >= this.#end) return -1;
    const length = this.#integer(0x7f);
    return length > this.#end - this.#at ? -1 : length;
  }

  /** Reads the string that begins at `from`, and whose length was read. */
  #textAt(from: number, length: number): string | undefined {
    const bytes = this.#bytes;
    const start = this.#at;
    const end = start + length;
    this.#at = end;
    return (bytes[from] as number) >= 0x80
      ? decodeHuffman(bytes, start, end)
      : bytes.toString('latin1', start, end);
  }

  /** An integer (RFC 7541 §5.1) whose prefix has the bits of `mask`; -1 when it is cut off or too long. */
  #integer(mask: number): number {
    const bytes = this.#bytes;
    const prefix = (bytes[this.#at] as number) & mask;
    this.#at += 1;
    if (prefix < mask) return prefix;
    let value = mask;
    for (let index = 0; index < MAX_INTEGER_BYTES && this.#at < this.#end; index += 1) {
      const byte = bytes[this.#at] as number;
      this.#at += 1;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    return -1;
  }
}

/** The static table as fields, judged once. */
export function staticFields(kindOf: KindOf): readonly DecodedField[] {
  return staticTable.map(([name, value]) => decodedField(name, value, kindOf));
}
