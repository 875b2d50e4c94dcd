import type { RequestHead } from '../../../http/message.ts';
import type { DecodedField, FieldList } from './hpack/field.ts';

/** Bytes of the longest head that is remembered, by RFC 9113 §6.5.2: what the table of its connection can hold. */
const MAX_BYTES = 4096;

/**
 * The last head of one connection. A client that repeats itself refers to its table and to long values that are known, so
 * the fields of its next request are the same objects. Such a head need not be read and judged again.
 */
export class LastHead {
  #fields: readonly DecodedField[] = [];
  #ends = false;
  #head: RequestHead | undefined;

  /** The last head, if it had the same fields; undefined otherwise. @param ends the request has no body. */
  recall({ fields, hasNew, isTooLarge }: FieldList, ends: boolean): RequestHead | undefined {
    const known = this.#fields;
    if (hasNew || isTooLarge || ends !== this.#ends || fields.length !== known.length) return undefined;
    for (let at = 0; at < known.length; at += 1) if (fields[at] !== known[at]) return undefined;
    return this.#head;
  }

  /** Remembers a head, if its fields can come again as the same objects. */
  remember(head: RequestHead, { fields, hasNew, bytes }: FieldList, ends: boolean): void {
    // A WebSocket has a key of its own.
    if (hasNew || head.fault !== undefined || head.connects !== undefined || bytes > MAX_BYTES) return;
    this.#fields = [...fields];
    this.#ends = ends;
    this.#head = head;
  }
}
