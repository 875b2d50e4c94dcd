import { Buffer } from 'node:buffer';

/** Bytes of the buffer that serves again and again: one read of upstream with its framing and a head. */
const SPARE_BYTES = 136 * 1024;
/** Smaller copies get a buffer of their size: a slow client would hold the large one for a few bytes. */
const LARGE_BYTES = 32 * 1024;

/**
 * Bytes of a message that is joined in a buffer which serves again and again. Most responses are smaller. A client that does
 * not read can hold one such buffer, which is little beside what the system holds for it.
 */
const JOIN_BYTES = 8 * 1024;

/**
 * Makes one buffer of what a write sends. The pieces are views of a buffer that the next read fills anew, and the system
 * may take a write later, so each write needs a copy. Most writes are over when they return: their buffer serves again.
 */
export class WriteCopies {
  #spare: Buffer | undefined;
  #joined = Buffer.allocUnsafeSlow(JOIN_BYTES);
  /** The text at the start of `#joined`. Responses repeat their heads. */
  #text = '';
  /** The view that was returned last. Responses repeat their lengths. */
  #view = this.#joined.subarray(0, 0);

  /**
   * Joins a small message. The bytes are valid until the next call, unless `giveAway` follows.
   * @param size bytes of all pieces. @returns undefined when the message is not small.
   */
  join(text: string, pieces: readonly Uint8Array[], size: number, behind: string): Buffer | undefined {
    const joined = this.#joined;
    let at = text.length;
    if (at + size + behind.length > JOIN_BYTES) return undefined;
    if (text !== this.#text) {
      joined.write(text, 0, 'latin1');
      this.#text = text;
    }
    for (const piece of pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    if (behind !== '') at += joined.write(behind, at, 'latin1');
    if (this.#view.length !== at) this.#view = joined.subarray(0, at);
    return this.#view;
  }

  /** The system keeps what `join` has returned. */
  giveAway(): void {
    this.#joined = Buffer.allocUnsafeSlow(JOIN_BYTES);
    this.#text = '';
    this.#view = this.#joined.subarray(0, 0);
  }

  /** @param size bytes of all pieces. */
  take(text: string, pieces: readonly Uint8Array[], size: number, behind: string): Buffer {
    const whole = text.length + size + behind.length;
    const copy = this.#room(whole);
    let at = copy.write(text, 0, 'latin1');
    for (const piece of pieces) {
      copy.set(piece, at);
      at += piece.length;
    }
    if (behind !== '') at += copy.write(behind, at, 'latin1');
    return at === copy.length ? copy : copy.subarray(0, at);
  }

  /** The system has taken all of a copy. */
  giveBack(copy: Buffer): void {
    if (copy.buffer.byteLength === SPARE_BYTES) this.#spare ??= Buffer.from(copy.buffer);
  }

  #room(bytes: number): Buffer {
    if (bytes < LARGE_BYTES || bytes > SPARE_BYTES) return Buffer.allocUnsafe(bytes);
    const spare = this.#spare ?? Buffer.allocUnsafeSlow(SPARE_BYTES);
    this.#spare = undefined;
    return spare;
  }
}
