import type { DecodedField } from './field.ts';

/**
 * Bytes of a dynamic table: SETTINGS_HEADER_TABLE_SIZE as it is without being set (RFC 9113 §6.5.2), so that no client
 * can have a table of another size before it has seen our settings.
 */
const TABLE_BYTES = 4096;
/** Fields that fit: each counts 32 bytes at least (RFC 7541 §4.1). A power of two, for the ring. */
const TABLE_FIELDS = TABLE_BYTES / 32;

/** The fields that blocks of one direction of a connection refer to, the newest first (RFC 7541 §2.3.2). */
export class DynamicTable {
  /** A ring; made with the first field, because most idle connections need none. */
  #ring: (DecodedField | undefined)[] | undefined;
  #newest = 0;
  #count = 0;
  #bytes = 0;
  #most = TABLE_BYTES;

  get count(): number {
    return this.#count;
  }

  /** The sum of the sizes of all fields, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param index from 0, the newest field. */
  at(index: number): DecodedField | undefined {
    return index < this.#count ? this.#ring?.[(this.#newest - index) & (TABLE_FIELDS - 1)] : undefined;
  }

  /** Adds a field, and evicts old ones for it. A field larger than the table only empties it (RFC 7541 §4.4). */
  add(field: DecodedField): void {
    this.#shrink(this.#most - field.size);
    if (field.size > this.#most) return;
    this.#ring ??= new Array<undefined>(TABLE_FIELDS).fill(undefined);
    this.#newest = (this.#newest + 1) & (TABLE_FIELDS - 1);
    this.#ring[this.#newest] = field;
    this.#count += 1;
    this.#bytes += field.size;
  }

  /** Changes the room (RFC 7541 §4.3). @returns false when it exceeds what the settings allow. */
  resize(bytes: number): boolean {
    if (bytes > TABLE_BYTES) return false;
    this.#most = bytes;
    this.#shrink(bytes);
    return true;
  }

  /** Evicts the oldest fields until the rest has `bytes` at most. */
  #shrink(bytes: number): void {
    const ring = this.#ring;
    if (ring === undefined) return;
    while (this.#count > 0 && this.#bytes > bytes) {
      this.#count -= 1;
      const oldest = (this.#newest - this.#count) & (TABLE_FIELDS - 1);
      this.#bytes -= (ring[oldest] as DecodedField).size;
      ring[oldest] = undefined;
    }
  }
}
