import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noTable } from '../../../../../src/front/node/h2/hpack/block-writer.ts';
import { Blocks } from './decoding.ts';
import { huffman, indexed, integer, literal, sizeUpdate, text } from './reference-encoder.ts';

const get = indexed(2);

describe('integers (RFC 7541 §5.1)', () => {
  test('of every length up to 28 bits behind the prefix are read', () => {
    for (const length of [0, 126, 127, 128, 254, 255, 16_383, 16_510, 16_511]) {
      const value = 'v'.repeat(length);
      assert.deepEqual(new Blocks().read(literal('without', 'n', value)), [`n: ${value}`]);
    }
  });

  test('with zeros behind their value are read as far as the bound', () => {
    const name = Buffer.from('6e'.repeat(127), 'hex');
    const padded = (zeros: number): Buffer =>
      Buffer.concat([Buffer.of(0, 0x7f), Buffer.alloc(zeros, 0x80), Buffer.of(0), name, Buffer.of(0)]);
    for (const zeros of [0, 1, 2, 3]) assert.ok(new Blocks().read(padded(zeros)), `${zeros}`);
    for (const zeros of [4, 5, 100]) assert.equal(new Blocks().read(padded(zeros)), undefined, `${zeros}`);
  });

  test('that are too long, too large or cut off are refused', () => {
    for (const bytes of [
      'ffffffffff0f',
      'ffffffffffffffffffff01',
      'ff',
      'ff80',
      'ff808080',
      '7f',
      '3f',
      '1f',
      '0f',
    ]) {
      assert.equal(new Blocks().read(Buffer.from(bytes, 'hex')), undefined, bytes);
    }
  });
});

describe('strings (RFC 7541 §5.2)', () => {
  test('hold any byte, coded or not', () => {
    const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
    for (const coded of [false, true]) {
      assert.deepEqual(new Blocks().read(literal('without', all, all, coded)), [`${all}: ${all}`]);
    }
  });

  test('end with fewer than 8 bits of padding, all of them ones', () => {
    const value = (code: Buffer): Buffer =>
      Buffer.concat([Buffer.of(0), text('n', false), integer(0x80, 7, code.length), code]);
    assert.deepEqual(new Blocks().read(value(huffman('a'))), ['n: a']);
    assert.deepEqual(new Blocks().read(value(Buffer.alloc(0))), ['n: ']);
    // `X` has 8 bits, so it needs no padding.
    assert.deepEqual(new Blocks().read(value(huffman('X'))), ['n: X']);
    for (const [what, code] of Object.entries({
      zeros: huffman('a', '0'),
      'a byte of ones': Buffer.concat([huffman('X'), Buffer.of(0xff)]),
      'a byte of ones behind padding': Buffer.concat([huffman('a'), Buffer.of(0xff)]),
      'only ones': Buffer.of(0xff),
      'four bytes of ones': Buffer.alloc(4, 0xff),
    })) {
      assert.equal(new Blocks().read(value(code)), undefined, what);
    }
  });

  test('never hold EOS', () => {
    // 30 ones and two bits of padding, behind `a` (00011) and alone.
    for (const code of ['ffffffff', '1fffffffff', '1fffffffe3', 'fffffffc', 'fffffffd', 'fffffffe']) {
      const bytes = Buffer.from(code, 'hex');
      const block = Buffer.concat([Buffer.of(0, 1, 0x6e), integer(0x80, 7, bytes.length), bytes]);
      assert.equal(new Blocks().read(block), undefined, code);
    }
  });

  test('longer than the block are refused', () => {
    for (const bytes of [
      '00026e',
      '0001',
      '00016e0276',
      '00016e',
      '008461',
      '40016e7fffff03',
      '00ff80808001',
    ]) {
      assert.equal(new Blocks().read(Buffer.from(bytes, 'hex')), undefined, bytes);
    }
  });
});

describe('indices', () => {
  test('0 and those behind the last field are refused (RFC 7541 §6.1, §2.3.3)', () => {
    for (const index of [0, 62, 63, 200])
      assert.equal(new Blocks().read(indexed(index)), undefined, `${index}`);
    for (const indexing of ['incremental', 'without', 'never'] as const) {
      assert.equal(new Blocks().read(literal(indexing, 62, 'v')), undefined, indexing);
    }
    const blocks = new Blocks();
    assert.deepEqual(blocks.read(literal('incremental', 'a', '1'), indexed(62)), ['a: 1', 'a: 1']);
    assert.equal(blocks.read(indexed(63)), undefined);
  });

  test('of one field give the same object each time', () => {
    const blocks = new Blocks();
    const [made] = blocks.fields(literal('incremental', 'authorization', 'Bearer x')) ?? [];
    const [again, more] = blocks.fields(indexed(62), indexed(62)) ?? [];
    assert.ok(made !== undefined && again === made && more === made);
    assert.equal(blocks.fields(get)?.[0], new Blocks().fields(get)?.[0]);
  });

  test('move as fields come, and a literal takes its name from a field that it evicts', () => {
    const blocks = new Blocks();
    blocks.read(literal('incremental', 'a', '1'), literal('incremental', 'b', '2'));
    assert.deepEqual(blocks.read(indexed(62), indexed(63)), ['b: 2', 'a: 1']);
    blocks.read(sizeUpdate(34));
    assert.deepEqual(blocks.read(literal('incremental', 62, '3'), indexed(62)), ['b: 3', 'b: 3']);
  });
});

describe('updates of the table size (RFC 7541 §4.2, §6.3)', () => {
  test('stand before the first field, at most two', () => {
    assert.deepEqual(new Blocks().read(sizeUpdate(0), sizeUpdate(4096), get), [':method: GET']);
    assert.deepEqual(new Blocks().read(sizeUpdate(4096)), []);
    assert.deepEqual(new Blocks().read(noTable, get), [':method: GET']);
    assert.equal(new Blocks().read(sizeUpdate(0), sizeUpdate(0), sizeUpdate(0), get), undefined);
    assert.equal(new Blocks().read(get, sizeUpdate(0)), undefined);
    assert.equal(new Blocks().read(sizeUpdate(0), get, sizeUpdate(0), get), undefined);
  });

  test('do not pass the size of the settings', () => {
    assert.equal(new Blocks().read(sizeUpdate(4097)), undefined);
    assert.equal(new Blocks().read(sizeUpdate(2 ** 28)), undefined);
  });

  test('evict what does not fit any more', () => {
    const blocks = new Blocks();
    blocks.read(literal('incremental', 'a', '1'), literal('incremental', 'b', '2'));
    assert.equal(blocks.decoder.tableBytes, 68);
    assert.deepEqual(blocks.read(sizeUpdate(67), indexed(62)), ['b: 2']);
    assert.equal(blocks.read(indexed(63)), undefined);
    assert.deepEqual(new Blocks().read(sizeUpdate(0), literal('incremental', 'a', '1')), ['a: 1']);
  });
});

describe('a table', () => {
  test('holds 128 of the smallest fields, and forgets the oldest', () => {
    const blocks = new Blocks();
    for (let at = 0; at < 500; at += 1) assert.ok(blocks.read(literal('incremental', '', '')));
    assert.equal(blocks.decoder.tableBytes, 4096);
    assert.ok(blocks.read(indexed(61 + 128)));
    assert.equal(blocks.read(indexed(61 + 129)), undefined);
  });

  test('is emptied by a field that is larger than itself (RFC 7541 §4.4)', () => {
    const blocks = new Blocks();
    blocks.read(literal('incremental', 'a', '1'));
    assert.ok(blocks.read(literal('incremental', 'b', 'x'.repeat(4096))));
    assert.equal(blocks.decoder.tableBytes, 0);
    assert.equal(blocks.read(indexed(62)), undefined);
  });
});

describe('a bomb', () => {
  test('of references to one large field stops at the limit, and leaves the table as it is', () => {
    const blocks = new Blocks(16_384);
    const large = 'x'.repeat(4000);
    assert.deepEqual(blocks.read(literal('incremental', 'a', large)), [`a: ${large}`]);
    assert.deepEqual(blocks.read(...new Array<Buffer>(16_000).fill(indexed(62))), []);
    assert.equal(blocks.list.isTooLarge, true);
    assert.deepEqual(blocks.read(indexed(62)), [`a: ${large}`]);
    assert.equal(blocks.list.isTooLarge, false);
  });

  test('of many small fields stops at the count', () => {
    const blocks = new Blocks(1_000_000, 3);
    assert.equal(blocks.read(get, get, get)?.length, 3);
    assert.equal(blocks.list.isTooLarge, false);
    assert.deepEqual(blocks.read(get, get, get, get), []);
    assert.equal(blocks.list.isTooLarge, true);
  });
});
