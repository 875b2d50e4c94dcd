import { COLON } from '../../../http/ascii.ts';

/** Slots of the table, a power of two. Clients of one gateway send some dozens of names; the bound is 1 MB at most. */
const SLOTS = 2048;
/** Bytes of the longest name that is kept: above any that applications send. */
const MAX_KEPT = 64;

/** The meaning of a field for the front. A byte array keeps these values. */
export const OTHER = 0;
export const HOST = 1;
export const AUTHORIZATION = 2;
export const CONTENT_LENGTH = 3;
export const TRANSFER_ENCODING = 4;
export const CONNECTION = 5;
export const EXPECT = 6;

const kinds: ReadonlyMap<string, number> = new Map([
  ['host', HOST],
  ['authorization', AUTHORIZATION],
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['connection', CONNECTION],
  ['expect', EXPECT],
]);

export interface FieldName {
  /** In lower case. */
  readonly name: string;
  readonly kind: number;
  /** Its bytes as the client sent them. */
  readonly spelling: Uint8Array;
}

/** Takes the next byte of a name into its hash, which begins with 0. */
export function hashOn(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

/**
 * Field names by their spelling. A name that comes again is the same string and costs no allocation. Each slot keeps the
 * last name with its hash. Names that clients invent displace others, so the table never grows.
 */
export class NameTable {
  readonly #slots = new Array<FieldName | undefined>(SLOTS).fill(undefined);
  /** By the slot of a name, the slot of the name that last followed it. The last entry is for the start of a head. */
  readonly #following = new Uint16Array(SLOTS + 1);
  /** The slot of the name that was found last. */
  #last = SLOTS;

  /** Begins a head. */
  start(): void {
    this.#last = SLOTS;
  }

  /**
   * The name at the start of [from, to), if it is the one that last followed the name before, and a colon ends it. Clients
   * send their fields in the same order, so this finds most names.
   */
  guess(bytes: Buffer, from: number, to: number): FieldName | undefined {
    const slot = this.#following[this.#last] as number;
    const known = this.#slots[slot];
    if (known === undefined) return undefined;
    const { spelling } = known;
    const end = from + spelling.length;
    if (end >= to || bytes[end] !== COLON || !isSpelled(bytes, from, spelling)) return undefined;
    this.#last = slot;
    return known;
  }

  /**
   * The name in [start, end) of the bytes, which are tchars.
   * @param hash by `hashOn`, of all its bytes.
   */
  find(bytes: Buffer, start: number, end: number, hash: number): FieldName {
    const length = end - start;
    const slot = (hash ^ (hash >>> 11)) & (SLOTS - 1);
    let known = this.#slots[slot];
    if (known?.spelling.length !== length || !isSpelled(bytes, start, known.spelling)) {
      const name = bytes.toString('latin1', start, end).toLowerCase();
      known = { name, kind: kinds.get(name) ?? OTHER, spelling: Uint8Array.from(bytes.subarray(start, end)) };
      if (length > MAX_KEPT) return known;
      this.#slots[slot] = known;
    }
    this.#following[this.#last] = slot;
    this.#last = slot;
    return known;
  }
}

/** Compares all bytes: a client chooses its names, and can make two of them have one hash. */
function isSpelled(bytes: Buffer, start: number, spelling: Uint8Array): boolean {
  const { length } = spelling;
  for (let index = 0; index < length; index += 1) {
    if (bytes[start + index] !== spelling[index]) return false;
  }
  return true;
}
