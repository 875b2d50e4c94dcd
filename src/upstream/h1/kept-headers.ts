import { hasEightBit, SP } from '../../http/ascii.ts';
import { MAX_FIELDS } from '../../http/h1/field-scanner.ts';

/** Offsets for each field: start and end of its name, start and end of its value. */
const STRIDE = 4;

/**
 * The fields of one head that go to the client, as offsets into its bytes. The lines are cut out when the head is
 * complete, because a Connection field may remove an earlier field.
 */
export class KeptHeaders {
  readonly #offsets = new Int32Array(MAX_FIELDS * STRIDE);
  #end = 0;
  /** All bytes of the values, combined by OR: 0x80 and above when one of them is not ASCII. */
  #bits = 0;

  reset(): void {
    this.#end = 0;
    this.#bits = 0;
  }

  /** Takes note that the bytes have moved `by` bytes towards the start. */
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

  /** Removes the fields with these lower-case names; `text` is the head, which starts at `base`. */
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

  /** `\r\nName: value` for each field. */
  lines(bytes: Uint8Array, text: string, base: number): string {
    const offsets = this.#offsets;
    // Cuts out neighbours in one piece if they already have this form.
    let from = base;
    let to = base;
    let lines = '';
    for (let slot = 0; slot < this.#end; slot += STRIDE) {
      const nameStart = offsets[slot] as number;
      const nameEnd = offsets[slot + 1] as number;
      const valueStart = offsets[slot + 2] as number;
      const normal = valueStart === nameEnd + 2 && bytes[nameEnd + 1] === SP;
      // The CRLF of another line stands before every field.
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

  /** Whether `lines` contain a byte that is not ASCII. */
  eightBit(lines: string): boolean {
    // A field that was removed later may have had the byte.
    return this.#bits >= 0x80 && hasEightBit(lines);
  }
}
