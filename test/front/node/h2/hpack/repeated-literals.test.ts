import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { RepeatedLiterals } from '../../../../../src/front/node/h2/hpack/repeated-literals.ts';
import { Blocks } from './decoding.ts';
import { huffman, indexed, integer, literal } from './reference-encoder.ts';

const token = `Bearer ${'eyJhbGciOiJSUzI1NiJ9.'.repeat(20)}end`;
const once = (value = token, coded = true): Buffer => literal('never', 'authorization', value, coded);

/** A value that has nothing in common with those of other numbers. */
const valueOfLength = (number: number, length: number): string =>
  createHash('sha512')
    .update(`${number}`)
    .digest('base64url')
    .repeat(Math.ceil(length / 86))
    .slice(0, length);

/** Two connections of one front, the first of which has sent a block twice. */
function afterTwo(block: Buffer): { first: Blocks; second: Blocks; repeated: RepeatedLiterals } {
  const repeated = new RepeatedLiterals();
  const [first, second] = [new Blocks(1e6, 1e4, repeated), new Blocks(1e6, 1e4, repeated)];
  first.read(block);
  first.read(block);
  return { first, second, repeated };
}

describe('a long value that comes as a literal again and again', () => {
  for (const coded of [true, false]) {
    test(`is the same field on every connection, ${coded ? 'coded' : 'plain'}`, () => {
      const { first, second } = afterTwo(once(token, coded));
      const [field] = first.fields(once(token, coded)) ?? [];
      assert.deepEqual([field?.name, field?.value], ['authorization', token]);
      assert.equal(second.fields(once(token, coded))?.[0], field);
      // As an entry of the table too.
      const added = second.fields(literal('incremental', 'authorization', token, coded), indexed(62));
      assert.deepEqual(added, [field, field]);
      assert.equal(second.decoder.tableBytes, field?.size);
    });
  }

  test('makes no other value of its length', () => {
    const { first } = afterTwo(once());
    for (let at = 0; at < token.length; at += 1) {
      const other = `${token.slice(0, at)}${token[at] === 'a' ? 'b' : 'a'}${token.slice(at + 1)}`;
      // `a` and `b` may differ in length when coded; plain they do not.
      for (const coded of [true, false])
        assert.deepEqual(first.read(once(other, coded)), [`authorization: ${other}`], `${at}`);
    }
    const plain = afterTwo(once(token, false)).first;
    for (let at = 0; at < token.length; at += 1) {
      const other = `${token.slice(0, at)}~${token.slice(at + 1)}`;
      assert.deepEqual(plain.read(once(other, false)), [`authorization: ${other}`], `${at}`);
    }
  });

  test('is no value of another name, and keeps its own', () => {
    const { first } = afterTwo(once());
    assert.deepEqual(first.read(literal('without', 'cookie', token, true), once()), [
      `cookie: ${token}`,
      `authorization: ${token}`,
    ]);
  });

  test('lets no broken code of its length pass', () => {
    const { first } = afterTwo(once());
    const code = huffman(token);
    const broken = (bytes: Buffer): Buffer =>
      Buffer.concat([integer(0x10, 4, 23), integer(0x80, 7, bytes.length), bytes]);
    assert.deepEqual(first.read(broken(code)), [`authorization: ${token}`]);
    for (const at of [0, 100, code.length - 4]) {
      const bad = Buffer.from(code);
      bad.fill(0xff, at, at + 4);
      assert.equal(new Blocks().read(broken(bad)), undefined);
      assert.equal(afterTwo(once()).first.read(broken(bad)), undefined, `${at}`);
      // Nor does a broken code become known.
      assert.equal(afterTwo(broken(bad)).first.read(broken(bad)), undefined, `${at}`);
    }
  });

  test('counts against the limits as any other', () => {
    const repeated = new RepeatedLiterals();
    const blocks = new Blocks(500, 10, repeated);
    for (let time = 0; time < 4; time += 1) {
      assert.equal(blocks.read(once())?.length, 1);
      assert.equal(blocks.read(once(), once())?.length, 0);
      assert.ok(blocks.list.isTooLarge);
    }
  });
});

describe('the memory of long values', () => {
  test('takes nothing for values that come once, are short, or very long', () => {
    const repeated = new RepeatedLiterals();
    const blocks = new Blocks(1e6, 1e4, repeated);
    for (let at = 0; at < 1_000; at += 1) blocks.read(once(valueOfLength(at, 500)));
    for (let time = 0; time < 3; time += 1) {
      blocks.read(once('short'));
      blocks.read(once('v'.repeat(5_000), false));
    }
    assert.equal(repeated.bytes, 0);
  });

  test('has a bound, whatever clients send', () => {
    const repeated = new RepeatedLiterals();
    const blocks = new Blocks(1e6, 1e4, repeated);
    let most = 0;
    for (let at = 0; at < 3_000; at += 1) {
      const block = once(valueOfLength(at, 4_000), false);
      blocks.read(block);
      blocks.read(block);
      most = Math.max(most, repeated.bytes);
    }
    assert.ok(most > 4 * 1024 * 1024 && most <= 8 * 1024 * 1024, `${most}`);
  });
});
