import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MarkReader } from '../../src/revocation/mark-reader.ts';

const told: [string, number][] = [];
const reader = new MarkReader({
  fusionauth: new Set(['fusionauth']),
  tokenLife: 3600,
  onLongLife: (issuer, seconds) => told.push([issuer, seconds]),
});

describe('the marks of a token', () => {
  test('are its claims', () => {
    const claims = { jti: 'j', sub: 's', sid: 'x', iat: 100, aud: 'orders', azp: 'app', client_id: 'other' };
    assert.deepEqual(reader.read('main', claims), {
      issuer: 'main',
      jti: 'j',
      sub: 's',
      sid: 'x',
      issuedAt: 100,
      application: 'app',
    });
  });

  test("take the application from the issuer's claim for it", () => {
    const application = (issuer: string, claims: object): string | undefined =>
      reader.read(issuer, { ...claims }).application;
    assert.equal(application('main', { client_id: 'app', aud: 'orders' }), 'app');
    assert.equal(application('main', { aud: 'orders', applicationId: 'x' }), undefined);
    assert.equal(application('fusionauth', { aud: 'a', applicationId: 'b', azp: 'c' }), 'b');
    assert.equal(application('fusionauth', { aud: 'a', azp: 'c' }), 'a');
    assert.equal(application('fusionauth', { aud: ['a'] }), 'a');
    assert.equal(application('fusionauth', { aud: ['a', 'b'] }), undefined);
  });

  test('count a token without a time as older than any event, and whole seconds only', () => {
    assert.equal(reader.read('main', {}).issuedAt, 0);
    assert.equal(reader.read('main', { iat: 100.9 }).issuedAt, 100);
  });

  test('treat an issue after the end, such as one in milliseconds, as none', () => {
    assert.equal(reader.read('main', { iat: 1_700_000_000_000, exp: 1_700_000_600 }).issuedAt, 0);
    assert.equal(reader.read('main', { iat: 1_700_000_600, exp: 1_700_000_600 }).issuedAt, 1_700_000_600);
  });

  test('are texts of bounded length, equal for equal claims', () => {
    const [long, other] = [`${'x'.repeat(9_999)}a`, `${'x'.repeat(9_999)}b`];
    const sub = (value: unknown): string | undefined => reader.read('main', { sub: value }).sub;
    assert.equal(sub(long), sub(long));
    assert.notEqual(sub(long), sub(other));
    assert.ok((sub(long)?.length ?? 0) < 64);
    // Otherwise a user with such a name could have another user revoked.
    assert.notEqual(sub(sub(long)), sub(long));
    assert.equal(sub(12), '12');
    assert.equal(sub({ a: 1 }), undefined);
    assert.equal(Reflect.get(reader.read('main', JSON.parse('{"__proto__":{"sub":"s"}}')), 'sub'), undefined);
  });

  test('report once an issuer whose tokens live longer than revocations are kept', () => {
    told.length = 0;
    for (const exp of [3_700, 3_701, 9_999]) reader.read('main', { iat: 100, exp });
    reader.read('main', { exp: 9_999 });
    reader.read('other', { iat: 100, exp: 3_700 });
    assert.deepEqual(told, [['main', 3_601]]);
  });
});
