import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BlockWriter, noTable } from '../../../../../src/front/node/h2/hpack/block-writer.ts';
import { fieldSize } from '../../../../../src/front/node/h2/hpack/field.ts';
import { staticTable } from '../../../../../src/front/node/h2/hpack/static-table.ts';
import { Blocks } from './decoding.ts';
import { indexed, literal, sizeUpdate } from './reference-encoder.ts';

type Pair = readonly [name: string, value: string];

const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const anyText = fc.string({ unit: byte, maxLength: 200 });
const usualText = fc.stringMatching(/^[a-z-]{1,20}$/);
/** Few different fields, so that many refer to the table. */
const pair = fc.oneof(
  fc.tuple(fc.constantFrom('a', 'b', 'accept', 'cookie'), fc.constantFrom('', '1', 'x'.repeat(1000))),
  fc.tuple(usualText, anyText),
  fc.tuple(anyText, anyText),
  fc.constantFrom(...staticTable),
);
const step = fc.record({
  pair,
  indexing: fc.constantFrom('incremental', 'incremental', 'without', 'never'),
  coded: fc.boolean(),
  plain: fc.boolean(),
} as const);
const block = fc.record({
  resize: fc.option(fc.integer({ min: 0, max: 4096 }), { freq: 5 }),
  steps: fc.array(step, { maxLength: 12 }),
});

/** The encoder's side of the table, as a plain list. */
class Table {
  fields: Pair[] = [];
  most = 4096;

  shrink(): void {
    const bytes = (): number => this.fields.reduce((sum, [name, value]) => sum + fieldSize(name, value), 0);
    while (bytes() > this.most) this.fields.pop();
  }

  add(added: Pair): void {
    this.fields.unshift(added);
    this.shrink();
  }

  indexOf(wanted: (known: Pair) => boolean): number {
    return [...staticTable, ...this.fields].findIndex(wanted) + 1;
  }
}

describe('HPACK by generation', () => {
  test('every way to write a field gives it back', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 8 }), (all) => {
        const table = new Table();
        const blocks = new Blocks();
        for (const { resize, steps } of all) {
          const parts: Buffer[] = [];
          if (resize !== null) {
            parts.push(sizeUpdate(resize));
            table.most = resize;
            table.shrink();
          }
          for (const { pair: added, indexing, coded, plain } of steps) {
            const whole = table.indexOf(([name, value]) => name === added[0] && value === added[1]);
            const named = table.indexOf(([name]) => name === added[0]);
            if (whole > 0 && !plain) parts.push(indexed(whole));
            else {
              parts.push(literal(indexing, named > 0 && !plain ? named : added[0], added[1], coded));
              if (indexing === 'incremental') table.add(added);
            }
          }
          const fields = blocks.read(...parts);
          assert.deepEqual(
            fields,
            steps.map(({ pair: [name, value] }) => `${name}: ${value}`),
          );
        }
      }),
    );
  });

  test('no bytes make the decoder throw, and its table stays within its bound', () => {
    const bytes = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 });
    fc.assert(
      fc.property(bytes, (all) => {
        const blocks = new Blocks();
        for (const one of all) {
          if (blocks.read(one) === undefined) return;
          assert.ok(blocks.decoder.tableBytes <= 4096);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('what the block writer writes is read back, and leaves no table', () => {
    const status = fc.integer({ min: 200, max: 999 });
    const fields = fc.array(fc.oneof(fc.tuple(usualText, anyText), fc.constantFrom(...staticTable)), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(status, fields, (code, all) => {
        const writer = new BlockWriter();
        for (let round = 0; round < 2; round += 1) {
          const blocks = new Blocks();
          writer.status(code);
          for (const [name, value] of all) writer.field(name, value);
          const lines = all.map(([name, value]) => `${name}: ${value}`);
          assert.deepEqual(blocks.read(noTable, writer.take()), [`:status: ${code}`, ...lines]);
          assert.equal(blocks.decoder.tableBytes, 0);
        }
      }),
    );
  });

  test('the block writer indexes what the static table has, and never lets a cookie be indexed', () => {
    const writer = new BlockWriter();
    writer.status(200);
    writer.field('set-cookie', 'a=b');
    writer.field('content-type', 'text/plain');
    writer.field('x', '');
    assert.equal(writer.take().toString('latin1'), '\x88\x1f\x28\x03a=b\x0f\x10\x0atext/plain\x00\x01x\x00');
  });
});
