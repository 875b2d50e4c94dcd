import { isUtf8 } from 'node:buffer';

/** Bytes; room for any token that is not refused for its length. Longer texts get memory of their own. */
const ROOM = 16 * 1024;

/** Working memory for turning token text into bytes and back, so that a new token costs the collector little. */
export class Scratch {
  readonly #bytes = Buffer.allocUnsafeSlow(ROOM);

  /** Whether a base64url text is spelled the one canonical way: no padding, no stray trailing bits. */
  isCanonical(segment: string): boolean {
    const bytes = this.#room(segment);
    return bytes.toString('base64url', 0, bytes.write(segment, 'base64url')) === segment;
  }

  /** The text in a base64url segment; undefined unless it is spelled canonically and valid UTF-8. */
  decode(segment: string): string | undefined {
    const bytes = this.#room(segment);
    const length = bytes.write(segment, 'base64url');
    if (bytes.toString('base64url', 0, length) !== segment) return undefined;
    const text = bytes.toString('utf8', 0, length);
    // Only a text with a replacement character can have come from invalid bytes.
    return !text.includes('\ufffd') || isUtf8(bytes.subarray(0, length)) ? text : undefined;
  }

  /** A flat copy of an ASCII text that keeps nothing else alive, such as the string it was cut from. */
  copy(text: string): string {
    const bytes = this.#room(text);
    return bytes.toString('latin1', 0, bytes.write(text, 'latin1'));
  }

  #room(text: string): Buffer {
    return text.length <= ROOM ? this.#bytes : Buffer.allocUnsafeSlow(text.length);
  }
}
