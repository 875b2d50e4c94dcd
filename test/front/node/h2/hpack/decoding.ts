import { HpackDecoder, staticFields } from '../../../../../src/front/node/h2/hpack/decoder.ts';
import { type DecodedField, FieldList } from '../../../../../src/front/node/h2/hpack/field.ts';
import { RepeatedLiterals } from '../../../../../src/front/node/h2/hpack/repeated-literals.ts';

const kindOf = (): number => 0;
const fixed = staticFields(kindOf);

/** Decodes block after block, as one connection does. */
export class Blocks {
  readonly decoder: HpackDecoder;
  readonly list: FieldList = new FieldList();
  readonly #room: number;
  readonly #count: number;

  constructor(room = 1_000_000, count = 10_000, repeated = new RepeatedLiterals()) {
    this.decoder = new HpackDecoder(kindOf, fixed, repeated);
    this.#room = room;
    this.#count = count;
  }

  /** The fields of a block as lines; undefined when it breaks a rule. */
  read(...parts: readonly Uint8Array[]): string[] | undefined {
    return this.fields(...parts)?.map(({ name, value }) => `${name}: ${value}`);
  }

  /** The fields of a block, which has other bytes around it. */
  fields(...parts: readonly Uint8Array[]): readonly DecodedField[] | undefined {
    const bytes = Buffer.concat([Buffer.from('\xff\x80', 'latin1'), ...parts, Buffer.from('\x7f')]);
    this.list.clear(this.#room, this.#count);
    if (!this.decoder.decode(bytes, 2, bytes.length - 1, this.list)) return undefined;
    // What was decoded must not be a view of the bytes.
    bytes.fill(0);
    return [...this.list.fields];
  }
}
