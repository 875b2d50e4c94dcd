import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { PostReply } from '../../src/admin/post-handler.ts';
import { AdminEndpoint } from '../../src/revocation/admin-endpoint.ts';
import type { RevocationList } from '../../src/revocation/revocation-list.ts';
import { RevocationStore } from '../../src/revocation/store.ts';
import { silentLog } from '../support/gateway.ts';
import { FixedClock, issuerOf, livesOf, NOW, newList, revocationOf } from './support.ts';

const SECRET = 'a-secret-of-more-than-32-characters';
const good = { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' };

describe('POST /revocations', () => {
  let list: RevocationList;
  let store: RevocationStore;
  let endpoint: AdminEndpoint;
  beforeEach(() => {
    list = newList(3);
    const clock = new FixedClock();
    store = new RevocationStore({ list, journal: undefined, clock, log: silentLog });
    const lives = livesOf(
      issuerOf('main', { clockToleranceMs: 5_000 }),
      issuerOf('twin', { issuer: 'https://main.example' }),
      issuerOf('lasting', { expiry: 'optional' }),
      issuerOf('young', { expiry: 'optional', maxAgeMs: 60_000 }),
    );
    const drop = async () => ({ dropped: 0, isSaved: true, isRedisEmpty: true });
    endpoint = new AdminEndpoint({ secret: SECRET, store, lives, clock, drop });
  });
  const ask = (body: unknown): Promise<PostReply> =>
    endpoint.answer(good, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  const fault = async (body: unknown): Promise<string> => {
    const { status, body: reply } = await ask(body);
    assert.equal(status, 400);
    assert.equal(list.size, 0);
    return (reply as { error: string }).error;
  };

  test('demands the secret and JSON before it reads the body', () => {
    const status = (headers: object): number | undefined => endpoint.refuse({ ...headers })?.status;
    assert.equal(status(good), undefined);
    assert.equal(status({ ...good, authorization: `bearer  ${SECRET}` }), undefined);
    assert.equal(status({ ...good, 'content-type': 'application/json; charset=utf-8' }), undefined);
    assert.equal(status({ 'content-type': 'application/json' }), 401);
    assert.match(endpoint.refuse({})?.headers?.['www-authenticate'] ?? '', /^Bearer /);
    for (const authorization of [
      `Bearer ${SECRET}x`,
      `Bearer ${SECRET.slice(1)}`,
      `Basic ${SECRET}`,
      SECRET,
      'Bearer ',
      '',
    ]) {
      assert.equal(status({ ...good, authorization }), 403, authorization);
    }
    assert.equal(status({ authorization: good.authorization }), 415);
    assert.equal(status({ ...good, 'content-type': 'text/plain' }), 415);
    assert.equal(status({ ...good, 'content-type': 'application/jsonx' }), 415);
  });

  test('takes one or a list, and replies with their number', async () => {
    assert.deepEqual(await ask({ sub: 's' }), { status: 200, body: { accepted: 1 } });
    assert.deepEqual(await ask([{ jti: 'j' }, { sid: 'x', issuer: 'main' }]), {
      status: 200,
      body: { accepted: 2 },
    });
    assert.deepEqual(
      [...store.received.members].map(([source, { value }]) => [source, value]),
      [['admin', 3]],
    );
    const [user, token, session] = [...list.all()];
    assert.deepEqual(user, revocationOf({ sub: 's', expiresAt: Number.POSITIVE_INFINITY }));
    assert.deepEqual(
      token,
      revocationOf({ jti: 'j', before: Number.POSITIVE_INFINITY, expiresAt: Number.POSITIVE_INFINITY }),
    );
    assert.deepEqual(session, revocationOf({ sid: 'x', issuer: 'main', expiresAt: NOW + 3_605 }));
  });

  test('keeps each as long as a token of its issuer lives after its time', async () => {
    await ask({ issuer: 'young', sub: 's' });
    await ask({ issuer: 'main', sub: 's', before: NOW + 100.5 });
    await ask({ issuer: 'main', jti: 'j', expiresAt: NOW + 10 });
    assert.deepEqual(
      Array.from(list.all(), ({ before, expiresAt }) => [before, expiresAt]),
      [
        [NOW, NOW + 60],
        [NOW + 100, NOW + 3_706],
        [Number.POSITIVE_INFINITY, NOW + 15],
      ],
    );
  });

  test('takes an iss for all issuers with it', async () => {
    assert.deepEqual((await ask({ iss: 'https://main.example', sub: 's' })).body, { accepted: 2 });
    assert.deepEqual(
      Array.from(list.all(), ({ issuer }) => issuer),
      ['main', 'twin'],
    );
  });

  test('drops revocations that no living token can meet', async () => {
    assert.equal((await ask({ issuer: 'main', sub: 's', before: NOW - 10_000 })).status, 200);
    assert.equal((await ask({ issuer: 'main', jti: 'j', expiresAt: NOW - 10 })).status, 200);
    // A time long past is kept as long as any other, because older tokens without exp may still live.
    assert.equal(list.size, 1);
  });

  test('names the fault, and revokes nothing then', async () => {
    for (const [body, expected] of [
      ['', /not JSON/],
      ['{', /not JSON/],
      ['[]', /empty/],
      [Array.from({ length: 10_001 }, () => ({ sub: 's' })), /^the list has more than 10000/],
      ['3', /not an object/],
      ['null', /not an object/],
      [{}, /has none of/],
      [{ before: NOW }, /has none of/],
      [{ sub: 's', user: 's' }, /none of issuer, iss/],
      ['{"sub":"s","__proto__":{}}', /none of issuer, iss/],
      [{ sub: '' }, /^sub is not a text/],
      [{ sub: 3 }, /^sub is not a text/],
      [{ sub: null }, /^sub is not a text/],
      [{ sid: 'x'.repeat(5_000) }, /^sid is not a text/],
      [{ issuer: 'nobody', sub: 's' }, /^issuer is no name/],
      [{ iss: 'main', sub: 's' }, /^iss is that of no issuer/],
      [{ iss: 'https://main.example', issuer: 'main' }, /both/],
      [{ sub: 's', before: '1' }, /^before is not a time/],
      [{ sub: 's', before: -1 }, /^before is not a time/],
      [{ sub: 's', before: NOW * 1000 }, /^before is too far ahead: it is in seconds/],
      [{ jti: 'j', expiresAt: NOW * 1000 }, /^expiresAt is too far ahead/],
      [{ sub: 's', expiresAt: NOW + 1 }, /^expiresAt is there without jti/],
      [[{ sub: 's' }, { sub: 's', x: 1 }], /^entry 1 of the list/],
    ] as const) {
      assert.match(await fault(body), expected, JSON.stringify(body));
    }
    assert.equal((await endpoint.answer(good, Buffer.from([0x22, 0xff, 0x22]))).status, 400);
  });

  test('replies with an error when there is no room, and accepts it when there is', async () => {
    assert.equal((await ask([{ sub: 'a' }, { sub: 'b' }])).status, 200);
    const full = await ask([{ sub: 'c' }, { sub: 'd' }]);
    assert.equal(full.status, 503);
    assert.equal(full.headers?.['retry-after'], '5');
    assert.equal(list.size, 2);
    assert.match(store.troubles().join(), /revocation\.entries/);
    assert.equal((await ask({ sub: 'a' })).status, 200);
    assert.equal((await ask({ sub: 'c' })).status, 200);
    assert.deepEqual(store.troubles(), []);
    assert.equal(endpoint.refused.value, 1);
  });
});
