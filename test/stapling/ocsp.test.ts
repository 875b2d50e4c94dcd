import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { OcspQuestion } from '../../src/stapling/ocsp.ts';
import { Authority } from '../support/authority.ts';
import { needs } from '../support/programs.ts';
import { respond } from '../support/responder.ts';

const DAY_MS = 24 * 60 * 60_000;
const authority = new Authority('authority');
const leaf = authority.issue({ cn: 'leaf' });
const other = authority.issue({ cn: 'other' });

describe('an OCSP response of openssl', needs('openssl'), () => {
  let question: OcspQuestion;
  let good: Buffer;
  before(async () => {
    question = new OcspQuestion(leaf.cert, authority.cert);
    good = await respond(question.request, { authority, good: [leaf] });
  });

  test('counts from when to when it says', () => {
    const now = Date.now();
    const { since, until } = question.read(good, now);
    assert.ok(Math.abs(since - now) < 60_000);
    assert.equal(until - since, 2 * DAY_MS);
  });

  test('may be signed by a delegate of the issuer, and by no other', async () => {
    const stranger = new Authority('authority');
    for (const [signer, accepted] of [
      [authority.issue({ cn: 'delegate', ocspSigning: true }), true],
      [authority.issue({ cn: 'delegate' }), false],
      [
        authority.issue({ cn: 'old', ocspSigning: true, dates: ['20200101000000Z', '20210101000000Z'] }),
        false,
      ],
      [stranger.issue({ cn: 'delegate', ocspSigning: true }), false],
      [stranger, false],
    ] as const) {
      const response = await respond(question.request, { authority, good: [leaf], signer });
      if (accepted) assert.ok(question.read(response, Date.now()).until > Date.now());
      else assert.throws(() => question.read(response, Date.now()), /neither the issuer nor its delegate/);
    }
  });

  test('of another certificate or status, or out of its time, is refused', async () => {
    const foreign = new OcspQuestion(other.cert, authority.cert);
    for (const [response, now, why] of [
      [
        await respond(foreign.request, { authority, good: [leaf, other] }),
        Date.now(),
        /for another certificate/,
      ],
      [await respond(question.request, { authority, revoked: [leaf] }), Date.now(), /certificate is revoked/],
      [await respond(question.request, { authority, good: [other] }), Date.now(), /certificate is unknown/],
      [good, Date.now() + 3 * DAY_MS, /has ended at/],
      [good, Date.now() - DAY_MS, /of the future/],
      [Buffer.from('30030a0103', 'hex'), Date.now(), /OCSP status 03/],
      [Buffer.from('30030a0100', 'hex'), Date.now(), /no OCSP response/],
      [Buffer.from('<html>'), Date.now(), /no OCSP response/],
      [Buffer.alloc(0), Date.now(), /no OCSP response/],
    ] as const) {
      assert.throws(() => question.read(response, now), why);
    }
  });

  test('with any other byte, or cut off anywhere, is refused or says the same', () => {
    const now = Date.now();
    const wanted = question.read(good, now);
    const judge = (bytes: Buffer, what: string): void => {
      try {
        assert.deepEqual(question.read(bytes, now), wanted, what);
      } catch (error) {
        assert.equal((error as Error).name, 'OcspError', `${what}: ${error}`);
      }
    };
    for (let at = 0; at < good.length; at += 1) {
      const bytes = Buffer.from(good);
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
      judge(bytes, `byte ${at}`);
      if (at % 7 === 0) {
        assert.throws(() => question.read(good.subarray(0, at), now), { name: 'OcspError' }, `${at} bytes`);
      }
    }
  });
});
