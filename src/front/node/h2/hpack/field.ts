/** Bytes that each field counts besides its name and value (RFC 7541 §4.1, RFC 9113 §6.5.2). */
const FIELD_OVERHEAD = 32;

/** One decoded field. A table keeps it, so every field that refers to the table is the same object. */
export interface DecodedField {
  /** One character for each byte, as all text of this protocol. */
  readonly name: string;
  readonly value: string;
  /** Name, value and overhead, in bytes. */
  readonly size: number;
  /** The reader's judgement of name and value, made once for a field that the table keeps. */
  readonly kind: number;
}

/** Judges a field; what the numbers mean is the reader's matter. */
export type KindOf = (name: string, value: string) => number;

export function decodedField(name: string, value: string, kindOf: KindOf): DecodedField {
  return { name, value, size: fieldSize(name, value), kind: kindOf(name, value) };
}

export function fieldSize(name: string, value: string): number {
  return name.length + value.length + FIELD_OVERHEAD;
}

/**
 * The fields of one block, within limits. One byte can refer to a field of kilobytes, so the list counts while the block
 * is decoded and keeps nothing once a limit is passed.
 */
export class FieldList {
  readonly fields: DecodedField[] = [];
  /** The block has more than the limits allow; `fields` is empty then. */
  isTooLarge = false;
  /** Some field was decoded for this block alone; all others are the same objects as the last time they came. */
  hasNew = false;
  #mostFields = 0;
  #mostBytes = 0;
  #room = 0;

  /** The sum of the sizes of all fields. */
  get bytes(): number {
    return this.#mostBytes - this.#room;
  }

  /** @param mostBytes the sum of the sizes of all fields. @param mostFields their number. */
  clear(mostBytes: number, mostFields: number): void {
    this.#mostFields = mostFields;
    this.fields.length = 0;
    this.isTooLarge = false;
    this.hasNew = false;
    this.#mostBytes = mostBytes;
    this.#room = mostBytes;
  }

  add(field: DecodedField): void {
    if (this.isTooLarge) return;
    this.#room -= field.size;
    if (this.#room >= 0 && this.fields.length < this.#mostFields) {
      this.fields.push(field);
      return;
    }
    this.isTooLarge = true;
    this.fields.length = 0;
  }
}
