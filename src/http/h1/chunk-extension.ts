import { isFieldByte, SEMICOLON, tokenBytes } from '../ascii.ts';

const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const NAME_START = 0;
const NAME = 1;
const VALUE_START = 2;
const VALUE = 3;
const QUOTED = 4;
const ESCAPED = 5;
const QUOTED_END = 6;

/**
 * Checks chunk extensions (RFC 9112 §7.1.1) byte by byte: `;name`, `;name=token`, `;name="text"`. White space may stand
 * only in quotes, because parsers differ on it elsewhere.
 */
export class ChunkExtension {
  #state = NAME_START;

  /** Begins after the first semicolon. */
  start(): void {
    this.#state = NAME_START;
  }

  /** Whether this byte, which is no CR, may come next. */
  take(byte: number): boolean {
    switch (this.#state) {
      case NAME_START:
      case VALUE_START:
        if (byte === QUOTE && this.#state === VALUE_START) this.#state = QUOTED;
        else if (tokenBytes[byte] === 1) this.#state += 1;
        else return false;
        return true;
      case NAME:
        if (byte === EQUALS) {
          this.#state = VALUE_START;
          return true;
        }
        return this.#takeToken(byte);
      case VALUE:
        return this.#takeToken(byte);
      case QUOTED:
        if (byte === QUOTE) this.#state = QUOTED_END;
        else if (byte === BACKSLASH) this.#state = ESCAPED;
        return isFieldByte(byte);
      case ESCAPED:
        this.#state = QUOTED;
        return isFieldByte(byte);
      default:
        this.#state = NAME_START;
        return byte === SEMICOLON;
    }
  }

  /** Whether the line may end here. */
  get isWhole(): boolean {
    return this.#state === NAME || this.#state === VALUE || this.#state === QUOTED_END;
  }

  #takeToken(byte: number): boolean {
    if (byte !== SEMICOLON) return tokenBytes[byte] === 1;
    this.#state = NAME_START;
    return true;
  }
}
