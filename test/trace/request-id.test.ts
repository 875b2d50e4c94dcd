import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRequestId, newRequestId } from '../../src/trace/request-id.ts';

const UUID7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-([89ab])[0-9a-f]{3}-[0-9a-f]{12}$/;

test('a new id is a UUID of version 7 with the time in it', () => {
  // The example of RFC 9562, appendix A.6.
  const now = 0x017f22e279b0;
  const seen = new Set<string>();
  const variants = new Set<string>();
  for (let turn = 0; turn < 5_000; turn += 1) {
    const id = newRequestId(now + (turn % 2) + 0.7);
    const [, high = '', low = '', variant = ''] = UUID7.exec(id) ?? [];
    assert.equal(Number.parseInt(high + low, 16), now + (turn % 2), id);
    seen.add(id);
    variants.add(variant);
  }
  assert.deepEqual([seen.size, [...variants].sort()], [5_000, ['8', '9', 'a', 'b']]);
});

test('a later id sorts behind an earlier one', () => {
  assert.ok(newRequestId(1) < newRequestId(2));
  assert.ok(newRequestId(0xff) < newRequestId(0x100));
  assert.ok(newRequestId(2 ** 47) > newRequestId(Date.UTC(2200, 0)));
});

test('ids of other programs are taken', () => {
  for (const id of [
    '01a22ea2-6d06-7591-a37f-ca6f6bf2f806',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    '8f3d6a1b2c4e5f60718293a4b5c6d7e8',
    'Root=1-67891233-abcdef012345678912345678',
    'f00-bar:7/2@host+x_y.z;w',
    'x'.repeat(128),
  ])
    assert.ok(isRequestId(id), id);
});

test('what could mislead a reader of logs is not taken', () => {
  for (const id of [
    '',
    'short77',
    'x'.repeat(129),
    'with blank inside',
    'line\nbreak-here',
    'quote"inside',
    "apostrophe'in",
    'angle<script>',
    'percent%0a-here',
    'comma,separated',
    '-begins-with-a-hyphen',
    'umlaut-\xfc-inside',
  ])
    assert.ok(!isRequestId(id), id);
});
