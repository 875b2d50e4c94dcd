import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { RevocationService } from '../../src/revocation/service.ts';
import { silentLog } from '../support/gateway.ts';
import { revocation, signedClaimsOf } from '../support/revocation.ts';
import { FixedClock, issuerOf, NOW } from './support.ts';

function serviceOf(options: { secret?: string; webhooks?: boolean }): RevocationService {
  const issuers = [
    issuerOf('shop', { issuer: 'https://idp.example', audience: ['shop'] }),
    issuerOf('service', { issuer: 'https://idp.example', audience: ['service'] }),
    issuerOf('other'),
    issuerOf('any', { issuer: undefined }),
  ];
  const config = { issuers: new Map(issuers.map((issuer) => [issuer.name, issuer])), state: undefined };
  const fusionauth = { issuer: 'shop', listen: undefined, key: undefined };
  return new RevocationService({
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

describe('the service', () => {
  test('has a path for each configured sender, and no other', () => {
    const paths = (service: RevocationService, webhooks: boolean): string[] => [
      ...service.adminPosts(webhooks).keys(),
    ];
    const both = serviceOf({ secret: 'x'.repeat(32), webhooks: true });
    assert.deepEqual(paths(both, true), ['/revocations', '/webhooks/fusionauth']);
    assert.deepEqual(paths(both, false), ['/revocations']);
    assert.deepEqual([...both.webhookPosts().keys()], ['/webhooks/fusionauth']);
    assert.deepEqual(paths(serviceOf({ webhooks: true }), false), []);
    assert.deepEqual(paths(serviceOf({ secret: 'x'.repeat(32) }), true), ['/revocations']);
  });

  test('takes a webhook for all issuers with the same iss, whose tokens differ in purpose', async () => {
    const service = serviceOf({ webhooks: true });
    const event = { id: '1', createInstant: NOW * 1000, type: 'user.delete', user: { id: 'alice' } };
    const body = JSON.stringify({ event });
    const headers = { 'x-fusionauth-signature-jwt': JSON.stringify(signedClaimsOf(body)) };
    assert.equal((await service.webhook?.answer(headers, Buffer.from(body)))?.status, 200);
    const revoked = (issuer: string): boolean =>
      service.list.cover(service.list.marks(issuer, { sub: 'alice', iat: NOW - 1 }));
    assert.deepEqual(['shop', 'service', 'other', 'any'].map(revoked), [true, true, false, false]);
    assert.equal(service.list.marks('service', { aud: 'service' }).application, 'service');
  });
});
