import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NameSet } from '../../src/http/name-set.ts';

const letters = [...'abcxyz019-_.!~'];
const anyName = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 4 });

test('names are the same when they differ only in separators, and no others are', () => {
  const plain = (name: string): string => name.replaceAll(/[^a-z0-9]/g, '-');
  fc.assert(
    fc.property(fc.array(anyName, { maxLength: 5 }), fc.array(anyName), (names, others) => {
      const set = new NameSet(names);
      const wanted = new Set(names.map(plain));
      for (const name of [...names, ...others]) assert.equal(set.has(name), wanted.has(plain(name)), name);
    }),
  );
});

test('names may be given in any case and have any length', () => {
  for (const length of [1, 63, 64, 65, 256]) {
    const name = `X${'-'.repeat(length - 1)}`;
    const set = new NameSet([name]);
    assert.equal(set.has(name.toLowerCase()), true, `${length}`);
    assert.equal(set.has(`x${'_'.repeat(length - 1)}`), true, `${length}`);
    assert.equal(set.has(`y${'-'.repeat(length - 1)}`), false, `${length}`);
    assert.equal(set.has(`${name.toLowerCase()}-`), false, `${length}`);
  }
});

test('the empty name is in no set of others', () => assert.equal(new NameSet(['a']).has(''), false));
