import { CR, LF } from './ascii.ts';
import { fieldsOf, type ResponseHead } from './message.ts';

/**
 * Whether a response is an event stream (HTML §9.2) whose events the gateway can tell apart. With a content coding it
 * cannot, so such a response is like any other.
 */
export function isEventStream(head: ResponseHead): boolean {
  let isStream = false;
  for (const [name, value] of fieldsOf(head)) {
    const lower = name.toLowerCase();
    if (lower === 'content-type') isStream = /^text\/event-stream\s*(?:;|$)/i.test(value);
    else if (lower === 'content-encoding' && value.toLowerCase() !== 'identity') return false;
  }
  return isStream;
}

/**
 * Follows the events of a stream. An event ends with a blank line: two line ends in a row, each of them CRLF, LF or CR
 * (HTML §9.2.5).
 */
export class EventTracker {
  /** The last bytes; a stream begins as if a blank line stood before it. */
  #last = LF;
  #second = LF;
  #third = LF;

  /** The last event is whole. */
  get atBoundary(): boolean {
    if (this.#last === CR) return this.#second === CR;
    if (this.#last !== LF) return false;
    return this.#second === LF || (this.#second === CR && this.#third === LF);
  }

  /** Takes note of bytes that go on. */
  pass(bytes: Uint8Array): void {
    for (let at = Math.max(0, bytes.length - 3); at < bytes.length; at += 1) this.#take(bytes[at] as number);
  }

  /** Takes note of the bytes up to the end of the present event, and returns how many these are. */
  passEvent(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && !this.atBoundary) {
      this.#take(bytes[at] as number);
      at += 1;
    }
    return at;
  }

  #take(byte: number): void {
    this.#third = this.#second;
    this.#second = this.#last;
    this.#last = byte;
  }
}
