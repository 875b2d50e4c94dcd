import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CertificateStore } from '../../../../src/front/node/tls/certificate-store.ts';
import { Authority } from '../../../support/authority.ts';
import { certificateConfig, tlsConfig } from '../../../support/tls.ts';

const root = new Authority('root');
const first = certificateConfig(root.issue({ names: ['first.example'] }));
const exact = certificateConfig(root.issue({ names: ['a.wild.example', '127.0.0.1'] }));
const wild = certificateConfig(root.issue({ names: ['*.wild.example'] }));
const rsa = certificateConfig(root.issue({ names: ['*.wild.example', 'a.wild.example'], type: 'rsa' }));
const later = certificateConfig(root.issue({ names: ['a.wild.example'] }));
const all = [first, exact, wild, rsa, later];

describe('the choice of a certificate', () => {
  const store = new CertificateStore(tlsConfig(all));
  const same = (a: string, b: string): boolean => store.choose(a, undefined) === store.choose(b, undefined);

  test('is by name in any case: exact, then a wildcard for one label, then the first', () => {
    assert.ok(same('a.wild.example', 'A.WILD.example'));
    assert.ok(same('b.wild.example', 'c.wild.example'));
    assert.ok(!same('a.wild.example', 'b.wild.example'));
    for (const unknown of [
      'wild.example',
      'a.b.wild.example',
      '.wild.example',
      'x',
      '',
      '*.wild.example.org',
    ]) {
      assert.ok(same(unknown, 'first.example'), unknown);
    }
    assert.ok(!same('first.example', 'b.wild.example'));
  });

  test('has one certificate of each type of key for a name, of which the first counts', () => {
    assert.deepEqual(store.choose('a.wild.example', undefined), [exact, rsa]);
    assert.deepEqual(store.choose('b.wild.example', undefined), [wild, rsa]);
    assert.deepEqual(store.choose(undefined, '127.0.0.1'), [exact]);
    assert.deepEqual(store.choose(undefined, '127.0.0.2'), [first]);
    assert.deepEqual(store.choose(undefined, undefined), [first]);
    const only = new CertificateStore(tlsConfig([exact, rsa, later]));
    assert.deepEqual(only.options(only.first).cert, [exact.cert, rsa.cert]);
  });

  test('refuses an unknown name where the configuration says so, and only that', () => {
    const strict = new CertificateStore(tlsConfig(all, { unknownName: 'refuse' }));
    assert.equal(strict.choose('nowhere.example', undefined), undefined);
    assert.notEqual(strict.choose('first.example', undefined), undefined);
    assert.notEqual(strict.choose('z.wild.example', undefined), undefined);
    assert.equal(strict.choose('z.y.wild.example', undefined), undefined);
  });
});
