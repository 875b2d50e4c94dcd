import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { EventType, type JWTRefreshTokenRevokeEvent } from '@fusionauth/typescript-client';
import type { PostReply } from '../../src/admin/post-handler.ts';
import { FusionAuthWebhook } from '../../src/revocation/fusionauth-webhook.ts';
import type { RevocationList } from '../../src/revocation/revocation-list.ts';
import { RevocationStore } from '../../src/revocation/store.ts';
import { silentLog } from '../support/gateway.ts';
import { signedClaimsOf } from '../support/revocation.ts';
import { FixedClock, issuerOf, livesOf, marksOf, NOW, newList } from './support.ts';

const USER = '5a5a0ec6-0000-4000-8000-000000000001';
const OTHER_USER = '5a5a0ec6-0000-4000-8000-000000000002';
const APP = '63b73f76-7400-487d-b122-5705b848da80';
const OTHER_APP = '63b73f76-7400-487d-b122-5705b848da81';
const SESSION = '0d3c0b7e-0000-4000-8000-000000000003';
const OTHER_SESSION = '0d3c0b7e-0000-4000-8000-000000000004';

const headers = { 'x-fusionauth-signature-jwt': 'the token' };
const base = { id: 'event-1', createInstant: NOW * 1000 + 999, tenantId: 't' };

describe('POST /webhooks/fusionauth', () => {
  let list: RevocationList;
  let webhook: FusionAuthWebhook;
  let store: RevocationStore;
  let clock: FixedClock;
  let keysChanged: [issuers: readonly string[], proven: boolean][];
  /** Claims beside the hash of the body. */
  let extra: object;

  const build = (limit?: number): void => {
    list = newList(limit);
    clock = new FixedClock();
    keysChanged = [];
    extra = {};
    store = new RevocationStore({ list, journal: undefined, clock, log: silentLog });
    webhook = webhookTo(store);
  };
  let claims: object | undefined;
  const webhookTo = (to: RevocationStore): FusionAuthWebhook =>
    new FusionAuthWebhook({
      issuers: () => ['main'],
      verify: (token) => (token === 'the token' && claims !== undefined ? { ...claims } : undefined),
      onKeysChanged: (issuers, proven) => {
        keysChanged.push([issuers, proven]);
      },
      store: to,
      lives: livesOf(issuerOf('main')),
      clock,
      log: silentLog,
    });
  beforeEach(() => build());

  const deliver = (body: string): Promise<PostReply> => {
    claims = { ...signedClaimsOf(body), ...extra };
    return webhook.answer(headers, Buffer.from(body));
  };
  const send = (event: object): Promise<PostReply> =>
    deliver(JSON.stringify({ event: { ...base, ...event } }));
  const accepted = async (event: object): Promise<void> => {
    assert.deepEqual(await send(event), { status: 200, body: { accepted: true } });
  };

  const token = (sub: string, application: string, sid?: string, issuedAt = NOW - 10): boolean =>
    list.cover(marksOf({ sub, application, sid, issuedAt }));
  /** Whether each is still accepted, in the order user, same user elsewhere, same user's other session, other user, elsewhere. */
  const passing = (): boolean[] =>
    [
      token(USER, APP, SESSION),
      token(USER, OTHER_APP, undefined),
      token(USER, APP, OTHER_SESSION),
      token(OTHER_USER, APP, undefined),
      token(OTHER_USER, OTHER_APP, undefined),
    ].map((revoked) => !revoked);

  const revoke = (event: JWTRefreshTokenRevokeEvent): Promise<void> =>
    accepted({
      type: EventType.JWTRefreshTokenRevoke,
      applicationTimeToLiveInSeconds: { [APP]: 600 },
      ...event,
    });

  test('jwt.refresh-token.revoke of one token revokes its session', async () => {
    await revoke({
      applicationId: APP,
      userId: USER,
      user: { id: USER },
      refreshToken: { id: SESSION, applicationId: APP, userId: USER },
    });
    assert.deepEqual(passing(), [false, true, true, true, true]);
    // A token without sid does not name its session.
    assert.equal(token(USER, APP), true);
  });

  test('jwt.refresh-token.revoke of one token without its id revokes the user there', async () => {
    await revoke({ applicationId: APP, userId: USER });
    assert.deepEqual(passing(), [false, true, false, true, true]);
  });

  test('jwt.refresh-token.revoke of a user revokes that user everywhere', async () => {
    await revoke({ userId: USER, user: { id: USER } });
    assert.deepEqual(passing(), [false, false, false, true, true]);
  });

  test('jwt.refresh-token.revoke of an application revokes all of it', async () => {
    await revoke({ applicationId: APP });
    assert.deepEqual(passing(), [false, true, false, false, true]);
  });

  for (const type of [
    EventType.UserDeactivate,
    EventType.UserDelete,
    EventType.UserDeleteComplete,
    EventType.UserPasswordUpdate,
  ]) {
    test(`${type} revokes the user everywhere`, async () => {
      await accepted({ type, user: { id: USER, registrations: [{ applicationId: OTHER_APP }] } });
      assert.deepEqual(passing(), [false, false, false, true, true]);
    });
  }

  for (const type of [EventType.UserRegistrationDelete, EventType.UserRegistrationDeleteComplete]) {
    test(`${type} revokes the user in that application`, async () => {
      await accepted({ type, user: { id: USER }, applicationId: APP, registration: { applicationId: APP } });
      assert.deepEqual(passing(), [false, true, false, true, true]);
    });
  }

  test('a token issued after the event is accepted, one of the same second is refused', async () => {
    await revoke({ userId: USER });
    assert.equal(token(USER, APP, undefined, NOW), true);
    assert.equal(token(USER, APP, undefined, NOW + 1), false);
  });

  test('tokens of another issuer are not FusionAuth’s', async () => {
    await revoke({ userId: USER });
    assert.equal(list.cover(marksOf({ issuer: 'other', sub: USER })), false);
  });

  test('a revocation lasts as long as the longest life in the event or the configuration', async () => {
    await revoke({ userId: USER, applicationTimeToLiveInSeconds: { [APP]: 10, [OTHER_APP]: 20 } });
    assert.deepEqual(
      Array.from(list.all(), ({ expiresAt }) => expiresAt),
      [NOW + 3_600],
    );
    build();
    await revoke({ userId: USER, applicationTimeToLiveInSeconds: { [APP]: 10, [OTHER_APP]: 7_200 } });
    assert.deepEqual(
      Array.from(list.all(), ({ expiresAt }) => expiresAt),
      [NOW + 7_200],
    );
  });

  test('jwt.public-key.update starts a fetch of the keys, without waiting for it', async () => {
    await accepted({ type: EventType.JWTPublicKeyUpdate, applicationIds: [APP] });
    assert.deepEqual(keysChanged, [[['main'], true]]);
    assert.equal(list.size, 0);
  });

  test('other events are accepted and ignored, because a refusal would repeat them', async () => {
    const reply = await send({ type: EventType.UserLoginSuccess, user: { id: USER } });
    assert.deepEqual(reply, { status: 200, body: { ignored: 'user.login.success' } });
    assert.equal(list.size, 0);
  });

  test('an event that is unsigned, or signed by a key for another purpose, is refused', async () => {
    assert.equal(webhook.refuse({})?.status, 401);
    assert.equal(webhook.refuse(headers), undefined);
    claims = undefined;
    const body = Buffer.from(JSON.stringify({ event: { ...base, type: 'user.delete', user: { id: USER } } }));
    assert.equal((await webhook.answer(headers, body)).status, 401);
    assert.equal(list.size, 0);
    // The key may be new, or the sender a stranger.
    assert.deepEqual(keysChanged, [[['main'], false]]);
    assert.equal(webhook.refused.value, 2);
  });

  test('the signature covers each byte of the body', async () => {
    const body = JSON.stringify({ event: { ...base, type: 'user.delete', user: { id: USER } } });
    claims = { ...signedClaimsOf(body) };
    for (const changed of [`${body} `, body.replace(USER, OTHER_USER), '']) {
      assert.equal((await webhook.answer(headers, Buffer.from(changed))).status, 401);
    }
    const { request_body_sha256: hash } = claims as { request_body_sha256: string };
    for (const wrong of [
      undefined,
      null,
      '',
      hash.slice(0, -1),
      [hash],
      Buffer.from(hash, 'base64').toString('hex'),
    ]) {
      claims = { request_body_sha256: wrong };
      assert.equal((await webhook.answer(headers, Buffer.from(body))).status, 401, String(wrong));
    }
    assert.equal(list.size, 0);
  });

  test('times of the signature hold if present', async () => {
    const event = { type: 'user.delete', user: { id: USER } };
    for (const wrong of [{ exp: NOW }, { exp: 'x' }, { nbf: NOW + 1 }, { nbf: null }]) {
      extra = wrong;
      assert.equal((await send(event)).status, 401, JSON.stringify(wrong));
    }
    extra = { exp: NOW + 1, nbf: NOW, iat: NOW };
    await accepted(event);
  });

  test('a repeated event is applied once', async () => {
    const event = { type: 'user.delete', user: { id: USER } };
    await accepted(event);
    assert.deepEqual(await send(event), { status: 200, body: { duplicate: true } });
    assert.equal(store.received.of('fusionauth').value, 1);
    await accepted({ ...event, id: 'event-2' });
    // Long after, when it is forgotten, it still meets only expired tokens.
    clock.seconds = NOW + 4_000;
    list = newList();
    const late = webhookTo(new RevocationStore({ list, journal: undefined, clock, log: silentLog }));
    const body = JSON.stringify({ event: { ...base, ...event } });
    claims = signedClaimsOf(body);
    assert.equal((await late.answer(headers, Buffer.from(body))).status, 200);
    assert.equal(list.size, 0);
  });

  test('an event from the far future is refused, because it would revoke tokens to come', async () => {
    const event = { type: 'user.delete', user: { id: USER } };
    assert.equal((await send({ ...event, createInstant: (NOW + 301) * 1000 })).status, 400);
    assert.equal((await send({ ...event, createInstant: (NOW + 299) * 1000 })).status, 200);
  });

  test('an event without a target is refused, not guessed', async () => {
    for (const event of [
      { type: 'jwt.refresh-token.revoke' },
      { type: 'user.delete' },
      { type: 'user.delete', user: { id: '' } },
      { type: 'user.delete', user: { id: 7 } },
      { type: 'user.registration.delete', user: { id: USER } },
      { type: 'user.registration.delete', applicationId: APP },
      { type: 'user.delete', user: { id: USER }, id: undefined },
      { type: 'user.delete', user: { id: USER }, createInstant: undefined },
      { type: undefined },
    ]) {
      assert.equal((await send(event)).status, 400, JSON.stringify(event));
    }
    for (const body of ['', 'x', '[]', '{}', '{"event":[]}', 'null']) {
      assert.equal((await deliver(body)).status, 400, body);
    }
    assert.equal(list.size, 0);
  });

  test('an event that cannot be kept is not confirmed, and is applied when it is repeated', async () => {
    build(1);
    await accepted({ type: 'user.delete', user: { id: USER } });
    const other = { type: 'user.delete', user: { id: OTHER_USER }, id: 'event-2' };
    assert.equal((await send(other)).status, 503);
    list.sweep(NOW + 86_400);
    assert.deepEqual(await send(other), { status: 200, body: { accepted: true } });
  });
});
