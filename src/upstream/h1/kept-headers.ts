import { hasEightBit, SP } from '../../http/ascii.ts';
import { MAX_FIELDS } from '../../http/h1/field-scanner.ts';

/** Offsets kept per header: start and end of its name, start and end of its value. */
const STRIDE = 4;

/**
 * The headers of one head that go to the client, as offsets into its bytes. Nothing is cut out before the head is
 * complete, because a Connection header may take a header away that came before it.
 */
export class KeptHeaders {
  readonly #offsets = new Int32Array(MAX_FIELDS * STRIDE);
  #end = 0;
  /** Or of all bytes of the values: 0x80 and above when one of them is not ASCII. */
  #bits = 0;

  reset(): void {
    this.#end = 0;
    this.#bits = 0;
  }

  /** The bytes now stand `by` earlier. */
  rebase(by: number): void {
    const offsets = this.#offsets;
    for (let index = 0; index < this.#end; index += 1) offsets[index] = (offsets[index] as number) - by;
  }

  add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number, valueBits: number): void {
    const offsets = this.#offsets;
    const slot = this.#end;
    offsets[slot] = nameStart;
    offsets[slot + 1] = nameEnd;
    offsets[slot + 2] = valueStart;
    offsets[slot + 3] = valueEnd;
    this.#end = slot + STRIDE;
    this.#bits |= valueBits;
  }

  /** Takes out the headers with these names, given in lower case; `text` is the head, which starts at `base`. */
  drop(names: readonly string[], text: string, base: number): void {
    const offsets = this.#offsets;
    let end = 0;
    for (let slot = 0; slot < this.#end; slot += STRIDE) {
      const name = text.slice((offsets[slot] as number) - base, (offsets[slot + 1] as number) - base);
      if (names.includes(name.toLowerCase())) continue;
      offsets.copyWithin(end, slot, slot + STRIDE);
      end += STRIDE;
    }
    this.#end = end;
  }

  /** `\r\nName: value` for each header. */
  lines(bytes: Uint8Array, text: string, base: number): string {
    const offsets = this.#offsets;
    // Neighbours that already stand in the form wanted are cut out in one piece.
    let from = base;
    let to = base;
    let lines = '';
    for (let slot = 0; slot < this.#end; slot += STRIDE) {
      const nameStart = offsets[slot] as number;
      const nameEnd = offsets[slot + 1] as number;
      const valueStart = offsets[slot + 2] as number;
      const normal = valueStart === nameEnd + 2 && bytes[nameEnd + 1] === SP;
      // Every header has the CRLF of another line before it.
      if (!normal || nameStart !== to + 2) {
        lines += text.slice(from - base, to - base);
        from = nameStart - 2;
        if (!normal) {
          lines += text.slice(from - base, nameEnd - base);
          lines += ': ';
          from = valueStart;
        }
      }
      to = offsets[slot + 3] as number;
    }
    const last = text.slice(from - base, to - base);
    return lines === '' ? last : lines + last;
  }

  /** Whether `lines` hold a byte that is not ASCII. */
  eightBit(lines: string): boolean {
    // A header taken out later may have been the one with such a byte.
    return this.#bits >= 0x80 && hasEightBit(lines);
  }
}
