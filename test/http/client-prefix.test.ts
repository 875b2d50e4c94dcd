import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientPrefix } from '../../src/http/client-prefix.ts';

test('an IPv4 address is a client, however it is written', () => {
  for (const text of ['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:192.0.2.1']) {
    assert.equal(clientPrefix(text), '192.0.2.1');
  }
});

test('all addresses of an IPv6 network of 64 bits are one client, in each spelling', () => {
  for (const text of [
    '2001:db8:0:7::1',
    '2001:DB8:0:7:ffff::',
    '2001:0db8:0000:0007:1:2:3:4',
    '2001:db8:0:7:1:2:192.0.2.1',
    '2001:db8::7:0:0:0:1',
  ]) {
    assert.equal(clientPrefix(text), '2001:db8:0:7', text);
  }
  assert.equal(clientPrefix('::1'), '0:0:0:0');
  assert.notEqual(clientPrefix('2001:db8:0:8::1'), '2001:db8:0:7');
});

test('a text that is no address stays', () => {
  for (const text of ['unix', '']) assert.equal(clientPrefix(text), text);
});
