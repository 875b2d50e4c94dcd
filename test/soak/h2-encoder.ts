import { staticTable } from '../../src/front/node/h2/hpack/static-table.ts';
import { indexed, literal } from '../front/node/h2/hpack/reference-encoder.ts';

export type Field = readonly [name: string, value: string];

/** Bytes of the gateway's table of fields (RFC 9113 §6.5.2), which it announces no other size of. */
const TABLE_BYTES = 4096;
/** Bytes that a field counts besides its name and value (RFC 7541 §4.1). */
const FIELD_OVERHEAD = 32;
/** Fields whose values hardly ever repeat. */
const unique: ReadonlySet<string> = new Set([':path', 'content-length']);

const exact = new Map(staticTable.map(([name, value], at) => [`${name}: ${value}`, at + 1]));
const named = new Map([...staticTable].reverse().map(([name], at) => [name, staticTable.length - at]));

/** Encodes the field blocks of one connection (RFC 7541), and uses the gateway's dynamic table as browsers do. */
export class H2Encoder {
  /** The dynamic table, the newest first. */
  readonly #table: string[] = [];
  #bytes = 0;

  encode(fields: readonly Field[]): Buffer {
    return Buffer.concat(fields.map((field) => this.#encode(field)));
  }

  #encode([name, value]: Field): Buffer {
    const line = `${name}: ${value}`;
    const fixed = exact.get(line);
    if (fixed !== undefined) return indexed(fixed);
    const at = this.#table.indexOf(line);
    if (at >= 0) return indexed(staticTable.length + 1 + at);
    // Both ways to write a text.
    const isCoded = value.length % 2 === 0;
    if (unique.has(name)) return literal('without', named.get(name) ?? name, value, isCoded);
    this.#add(line);
    return literal('incremental', named.get(name) ?? name, value, isCoded);
  }

  /** A field larger than the table only empties it (RFC 7541 §4.4). */
  #add(line: string): void {
    this.#table.unshift(line);
    this.#bytes += sizeOf(line);
    while (this.#bytes > TABLE_BYTES) this.#bytes -= sizeOf(this.#table.pop() as string);
  }
}

/** @param line has two characters more than name and value. */
const sizeOf = (line: string): number => line.length - 2 + FIELD_OVERHEAD;
