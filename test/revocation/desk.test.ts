import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { Desk } from '../../src/revocation/desk.ts';
import { silentLog } from '../support/gateway.ts';
import { revocation, signedClaimsOf } from '../support/revocation.ts';
import { FixedClock, issuerOf, NOW } from './support.ts';

function deskOf(options: { secret?: string; webhooks?: boolean }): Desk {
  const issuers = [
    issuerOf('shop', { issuer: 'https://idp.example', audience: ['shop'] }),
    issuerOf('desk', { issuer: 'https://idp.example', audience: ['desk'] }),
    issuerOf('other'),
    issuerOf('any', { issuer: undefined }),
  ];
  const config = { issuers: new Map(issuers.map((issuer) => [issuer.name, issuer])), state: undefined };
  const fusionauth = { issuer: 'shop', listen: undefined, key: undefined };
  return new Desk({
    config: config as unknown as Config,
    revocation: {
      ...revocation,
      secret: options.secret,
      fusionauth: options.webhooks === true ? fusionauth : undefined,
    },
    clock: new FixedClock(),
    log: silentLog,
    verify: (token) => JSON.parse(token) as Record<string, unknown>,
    onKeysChanged: () => {},
  });
}

describe('the desk', () => {
  test('has a path for each who may revoke, and no other', () => {
    const paths = (desk: Desk, webhooks: boolean): string[] => [...desk.adminPosts(webhooks).keys()];
    const both = deskOf({ secret: 'x'.repeat(32), webhooks: true });
    assert.deepEqual(paths(both, true), ['/revocations', '/webhooks/fusionauth']);
    assert.deepEqual(paths(both, false), ['/revocations']);
    assert.deepEqual([...both.webhookPosts().keys()], ['/webhooks/fusionauth']);
    assert.deepEqual(paths(deskOf({ webhooks: true }), false), []);
    assert.deepEqual(paths(deskOf({ secret: 'x'.repeat(32) }), true), ['/revocations']);
  });

  test('takes a webhook for all issuers with the same iss, whose tokens differ in what they are for', async () => {
    const desk = deskOf({ webhooks: true });
    const event = { id: '1', createInstant: NOW * 1000, type: 'user.delete', user: { id: 'alice' } };
    const body = JSON.stringify({ event });
    const headers = { 'x-fusionauth-signature-jwt': JSON.stringify(signedClaimsOf(body)) };
    assert.equal((await desk.webhook?.answer(headers, Buffer.from(body)))?.status, 200);
    const revoked = (issuer: string): boolean =>
      desk.list.cover(desk.list.marks(issuer, { sub: 'alice', iat: NOW - 1 }));
    assert.deepEqual(['shop', 'desk', 'other', 'any'].map(revoked), [true, true, false, false]);
    assert.equal(desk.list.marks('desk', { aud: 'desk' }).application, 'desk');
  });
});
