import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearerToken } from '../../src/auth/read/bearer.ts';

function outcome(value: string | undefined): string {
  const token = bearerToken(value);
  return typeof token === 'string' ? token : `${token.reason} ${token.stage}`;
}

test('a bearer token is found in every spelling and spacing of the scheme', () => {
  for (const value of [
    'Bearer a.b.c',
    'bearer a.b.c',
    'BEARER a.b.c',
    'Bearer    a.b.c',
    'Bearer a.b.c   ',
  ]) {
    assert.equal(outcome(value), 'a.b.c', value);
  }
});

test('a request without the header has no token', () => {
  assert.equal(outcome(undefined), 'token_missing header');
});

test('another scheme is a missing token that HAProxy would read an algorithm from', () => {
  const values = [
    '',
    '   ',
    'Basic dXNlcjpwYXNz',
    'Token a.b.c',
    'DPoP a.b.c',
    'a.b.c',
    '"Bearer a.b.c"',
    'BearerX a.b.c',
  ];
  for (const value of [...values, 'Bear', 'Bearera.b.c', '\tBearer a.b.c', 'Bearer-Token a']) {
    assert.equal(outcome(value), 'token_missing algorithm', JSON.stringify(value));
  }
});

test('Bearer with anything but one word behind it is malformed', () => {
  const values = ['Bearer', 'Bearer ', 'bearer   ', 'Bearer\ta.b.c', 'Bearer \ta.b.c', 'Bearer a.b.c\t'];
  const lists = ['Bearer a b', 'Bearer a.b.c, Bearer d.e.f', 'Bearer a.b.c,d.e.f', 'Bearer, a'];
  for (const value of [...values, ...lists, `Bearer ${' '.repeat(1 << 20)}`]) {
    assert.equal(outcome(value), 'token_malformed algorithm', JSON.stringify(value.slice(0, 40)));
  }
});

test('the characters of the word are left to the check of the segments', () => {
  for (const word of ['"a.b.c"', 'a.b.c;x', '=a', 'a=b', 'a\0', '\u00e9', 'a\nb']) {
    assert.equal(outcome(`Bearer ${word}`), word);
  }
});
