import { isUtf8 } from 'node:buffer';

/** Bytes; room for any token that is not refused for its length. Longer texts get memory of their own. */
const ROOM = 16 * 1024;

/** Bytes of the longest character in UTF-8: a text of more bytes than characters does not end within its own length. */
const SLACK = 4;
/** By a character of base64url (RFC 4648 §5): its six bits; 0 for others. */
const sextets = new Uint8Array(128);
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
for (let value = 0; value < alphabet.length; value += 1) sextets[alphabet.charCodeAt(value)] = value;
/** By the characters behind the last group of four: which bits of the last one belong to no byte. */
const STRAY = [0, 0, 0b1111, 0b11];

/** Working memory for turning token text into bytes and back, so that a new token costs the collector little. */
export class TokenBuffer {
  readonly #own = Buffer.allocUnsafeSlow(ROOM + SLACK);
  #bytes = this.#own;

  /** Those of the last segment that was loaded. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Whether a base64url text is spelled the one canonical way: no padding, no stray trailing bits. */
  isCanonical(segment: string): boolean {
    return this.#write(segment) >= 0;
  }

  /** Puts what is in a base64url segment into `bytes`. @returns how many; -1 unless canonical in spelling, and UTF-8. */
  load(segment: string): number {
    const length = this.#write(segment);
    return length >= 0 && isUtf8(this.#bytes.subarray(0, length)) ? length : -1;
  }

  /** The text in a base64url segment; undefined unless it is spelled canonically and valid UTF-8. */
  decode(segment: string): string | undefined {
    const length = this.load(segment);
    return length < 0 ? undefined : this.#bytes.toString('utf8', 0, length);
  }

  /** The text in a segment of which `load` has found before that it is spelled canonically and UTF-8. */
  known(segment: string): string {
    const bytes = this.#room(segment);
    return bytes.toString('utf8', 0, bytes.write(segment, 'base64url'));
  }

  /** A flat copy of an ASCII text that keeps nothing else alive, such as the string it was cut from. */
  copy(text: string): string {
    const bytes = this.#room(text);
    return bytes.toString('latin1', 0, bytes.write(text, 'latin1'));
  }

  /**
   * The decoder takes both alphabets of base64, leaves out what is in neither, ends at `=` and drops bits that are left
   * over. What it may have passed over is looked for, which takes a quarter of the time of encoding the bytes again.
   */
  #write(segment: string): number {
    const { length } = segment;
    const rest = length & 3;
    const last = sextets[segment.charCodeAt(length - 1)] as number;
    if (rest === 1 || (last & (STRAY[rest] as number)) !== 0) return -1;
    if (segment.includes('+') || segment.includes('/')) return -1;
    const bytes = this.#room(segment);
    // A character beyond ASCII takes two bytes or more, and the decoder would look at a part of it alone.
    if (bytes.write(segment, 'utf8') !== length) return -1;
    const decoded = bytes.write(segment, 'base64url');
    // With a character left out there would be a byte less.
    return decoded === Math.floor((length * 3) / 4) ? decoded : -1;
  }

  #room(text: string): Buffer {
    this.#bytes = text.length <= ROOM ? this.#own : Buffer.allocUnsafeSlow(text.length + SLACK);
    return this.#bytes;
  }
}
