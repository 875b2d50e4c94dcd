import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ForeignLines } from '../../src/revocation/foreign-lines.ts';
import type { Revocation } from '../../src/revocation/revocation.ts';
import { lineOf } from '../field/redis-lines.ts';
import { silentLog } from '../support/gateway.ts';
import { FixedClock, issuerOf, livesOf, NOW, newList, revocationOf } from './support.ts';

const lives = livesOf(issuerOf('main'), issuerOf('lasting', { expiry: 'optional' }));
const newLines = (secret?: string): ForeignLines =>
  new ForeignLines({ lives, clock: new FixedClock(), log: silentLog, secret });

describe('lines of other gateways', () => {
  test('are read as they were written, signed or not', () => {
    for (const secret of [undefined, 'x'.repeat(32)]) {
      const lines = newLines(secret);
      const told = revocationOf({ issuer: 'main', sub: 'zoë', sid: 'x', before: NOW, expiresAt: NOW + 60 });
      const from = secret === undefined ? 'redis' : 'redis-signed';
      assert.deepEqual(lines.read([lines.toLine(told)]), [{ ...told, from }]);
      assert.equal(lines.refused.value, 0);
    }
  });

  test('without a signature end with the longest life of a token; with one, at their own time', () => {
    const far = revocationOf({
      issuer: 'main',
      jti: 'j',
      before: Number.POSITIVE_INFINITY,
      expiresAt: NOW * 2,
    });
    const endOf = (lines: ForeignLines, one: Revocation): number | undefined =>
      lines.read([lines.toLine(one)])[0]?.expiresAt;
    assert.equal(endOf(newLines(), far), NOW + 3_600);
    assert.equal(endOf(newLines('x'.repeat(32)), far), NOW * 2);
    const lasting = { ...far, issuer: 'lasting', expiresAt: Number.POSITIVE_INFINITY };
    assert.equal(endOf(newLines(), lasting), Number.POSITIVE_INFINITY);
  });

  test('of an issuer that is unknown here are skipped and not refused', () => {
    const lines = newLines();
    assert.deepEqual(lines.read([lines.toLine(revocationOf({ issuer: 'elsewhere', sub: 's' }))]), []);
    assert.equal(lines.refused.value, 0);
  });

  test('are published again only if they were signed', () => {
    const lines = newLines();
    const one = revocationOf({ sub: 's' });
    assert.deepEqual(
      [one, { ...one, from: 'redis' as const }, { ...one, from: 'redis-signed' as const }].map((it) =>
        lines.mayPublish(it),
      ),
      [true, false, true],
    );
  });

  test('of any kind throw nothing and revoke no more than a gateway can', () => {
    const mark = fc.oneof(fc.string({ maxLength: 80 }), fc.constant('s'), fc.integer(), fc.constant(null));
    const time = fc.oneof(fc.double(), fc.integer(), fc.constant(NOW), fc.string(), fc.constant(undefined));
    const members = fc.record(
      {
        issuer: fc.oneof(mark, fc.constant('main')),
        jti: mark,
        sub: mark,
        sid: mark,
        application: mark,
        before: time,
        expiresAt: time,
        from: fc.oneof(fc.constant('redis-signed'), mark),
        mac: mark,
      },
      { requiredKeys: [] },
    );
    const line = fc.oneof(
      members.map(lineOf),
      fc.json().map((json) => lineOf(JSON.parse(json) as object)),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.constant(undefined)), { maxLength: 20 }), (told) => {
        assert.deepEqual(newLines('x'.repeat(32)).read(told), []);
        const list = newList(10);
        for (const one of newLines().read(told)) {
          assert.equal(one.from, 'redis');
          assert.ok(one.before <= NOW + 300 || one.jti !== undefined);
          assert.ok(one.expiresAt > NOW);
          assert.ok(one.issuer === undefined || one.issuer === 'main');
          if (list.hasRoomForForeign(one)) list.add(one);
        }
        assert.ok(list.foreign <= 9);
        list.dropForeign();
        assert.equal(list.size, 0);
      }),
      { numRuns: 500 },
    );
  });
});
