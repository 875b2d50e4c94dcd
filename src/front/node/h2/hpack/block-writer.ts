import { Buffer } from 'node:buffer';
import { staticTable } from './static-table.ts';

/** The values that an index of the static table stands for, by name; names alone have the first index. */
const exact = new Map(staticTable.map(([name, value], at) => [`${name}: ${value}`, at + 1]));
const byName = new Map([...staticTable].reverse().map(([name], at) => [name, staticTable.length - at]));

/** Bytes of a length, or of an index of the static table, with its prefix: no text of a head has 2^21 bytes. */
const INTEGER_BYTES = 4;

/**
 * Writes field blocks that need no dynamic table: a block then fits every connection, so the block of a repeated head is
 * written once. Each connection's first block must begin with `noTable`.
 */
export class BlockWriter {
  #out = Buffer.allocUnsafeSlow(4096);
  #length = 0;

  /** @param status three digits. */
  status(status: number): void {
    this.field(':status', String(status));
  }

  /** @param name in lower case. @param value one character for each byte. */
  field(name: string, value: string): void {
    this.#reserve(name.length + value.length + 3 * INTEGER_BYTES);
    const index = exact.get(`${name}: ${value}`);
    if (index !== undefined) {
      this.#integer(0x80, 0x7f, index);
      return;
    }
    const named = byName.get(name) ?? 0;
    // A session's cookie must not enter the table of another hop either (RFC 7541 §7.1.3).
    this.#integer(name === 'set-cookie' ? 0x10 : 0x00, 0x0f, named);
    if (named === 0) this.#text(name);
    this.#text(value);
  }

  /** A copy of the block that was written; the next one begins. */
  take(): Buffer {
    const block = Buffer.from(this.#out.subarray(0, this.#length));
    this.#length = 0;
    return block;
  }

  #text(text: string): void {
    this.#integer(0x00, 0x7f, text.length);
    this.#length += this.#out.write(text, this.#length, 'latin1');
  }

  /** An integer (RFC 7541 §5.1) behind the bits of `flags`. */
  #integer(flags: number, mask: number, value: number): void {
    const out = this.#out;
    if (value < mask) {
      out[this.#length] = flags | value;
      this.#length += 1;
      return;
    }
    out[this.#length] = flags | mask;
    this.#length += 1;
    let rest = value - mask;
    while (rest >= 0x80) {
      out[this.#length] = (rest & 0x7f) | 0x80;
      this.#length += 1;
      rest >>>= 7;
    }
    out[this.#length] = rest;
    this.#length += 1;
  }

  #reserve(bytes: number): void {
    if (this.#out.length - this.#length >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(2 * this.#out.length + bytes);
    this.#out.copy(larger, 0, 0, this.#length);
    this.#out = larger;
  }
}

/** A table size update to 0 (RFC 7541 §6.3): holds whatever table sizes the client's settings name, then and later. */
export const noTable: Uint8Array = Uint8Array.of(0x20);
