import { COLON, CR, HTAB, LF, SP, tokenBytes } from '../ascii.ts';

/** Header or trailer fields in one section: far more than applications send, and the bound limits the work per message. */
export const MAX_FIELDS = 256;

export type FieldFault =
  | 'header_name'
  | 'header_value'
  | 'header_count'
  | 'folded_line'
  | 'bare_lf'
  | 'bare_cr';

const LINE_START = 0;
const NAME = 1;
const PADDING = 2;
const VALUE = 3;
const LINE_FEED = 4;
const LAST_LINE_FEED = 5;

/**
 * Scans field lines (RFC 9112 §5) up to the empty line, one `scan` per line. The bytes may arrive in pieces of any size.
 * Only CRLF ends a line, because parsers differ on a bare LF or CR. The scanner refuses a line that starts with white
 * space (obs-fold, §5.2) and white space before the colon (§5.1).
 */
export class FieldScanner {
  /** The result of the last `scan`: a whole `field`, the `end` of the section, `more` bytes needed, or a `fault`. */
  step: 'more' | 'field' | 'end' | 'fault' = 'more';
  fault: FieldFault | undefined = undefined;
  /** Offsets of the last field in the scanned buffer. The value has no leading white space, but may have trailing. */
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** All bytes of the last value or-ed together: 0x80 and above when one of them is not ASCII. */
  valueBits = 0;
  #state = LINE_START;
  #fields = 0;

  reset(): void {
    this.#state = LINE_START;
    this.#fields = 0;
    this.fault = undefined;
  }

  /** Takes note that the scanned bytes have moved `by` bytes towards the start. */
  rebase(by: number): void {
    this.nameStart -= by;
    this.nameEnd -= by;
    this.valueStart -= by;
    this.valueEnd -= by;
  }

  /** Scans [from, to) and returns the offset after the last byte used; `step` says why it stopped. */
  scan(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    if (at === to) return this.#pause(this.#state, at);
    // Each part of a line falls through to the next one; a line that arrived in pieces enters further down.
    let state = this.#state;
    if (state === LINE_START) {
      const byte = bytes[at] as number;
      if (byte === CR) {
        state = LAST_LINE_FEED;
        at += 1;
        if (at === to) return this.#pause(state, at);
      } else {
        if (tokenBytes[byte] === 0) return this.#refuse(faultOfStart(byte), at);
        if (this.#fields === MAX_FIELDS) return this.#refuse('header_count', at);
        this.#fields += 1;
        this.nameStart = at;
        state = NAME;
      }
    }
    if (state === NAME) {
      const tokens = tokenBytes;
      while (at < to && tokens[bytes[at] as number] === 1) at += 1;
      if (at === to) return this.#pause(state, at);
      if (bytes[at] !== COLON) return this.#refuse('header_name', at);
      this.nameEnd = at;
      at += 1;
      state = PADDING;
    }
    if (state === PADDING) {
      while (at < to && (bytes[at] === SP || bytes[at] === HTAB)) at += 1;
      if (at === to) return this.#pause(state, at);
      this.valueStart = at;
      this.valueBits = 0;
      state = VALUE;
    }
    if (state === VALUE) {
      let bits = 0;
      let byte = 0;
      while (at < to) {
        byte = bytes[at] as number;
        // This is `isFieldByte`, inlined: it runs for most bytes of a head.
        if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) break;
        bits |= byte;
        at += 1;
      }
      this.valueBits |= bits;
      if (at === to) return this.#pause(state, at);
      if (byte !== CR) return this.#refuse(byte === LF ? 'bare_lf' : 'header_value', at);
      this.valueEnd = at;
      at += 1;
      state = LINE_FEED;
      if (at === to) return this.#pause(state, at);
    }
    if (bytes[at] !== LF) return this.#refuse('bare_cr', at);
    this.#state = LINE_START;
    this.step = state === LINE_FEED ? 'field' : 'end';
    return at + 1;
  }

  #pause(state: number, at: number): number {
    this.#state = state;
    this.step = 'more';
    return at;
  }

  #refuse(fault: FieldFault, at: number): number {
    this.fault = fault;
    this.step = 'fault';
    return at;
  }
}

function faultOfStart(byte: number): FieldFault {
  if (byte === LF) return 'bare_lf';
  return byte === SP || byte === HTAB ? 'folded_line' : 'header_name';
}
