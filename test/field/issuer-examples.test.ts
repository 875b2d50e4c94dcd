// Source: a newcomer with an issuer of a well-known product, who asks which lines of the configuration fit its tokens.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/load.ts';
import { type ConfigObject, createGateway } from '../../src/index.ts';
import { silentLog } from '../support/gateway.ts';
import { rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const folder = join(root, 'docs', 'examples');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.yaml'),
);
const text = (name: string): string => readFileSync(join(folder, name), 'utf8');

const key = rsaKey();
const service = createServer((request, response) => response.end(JSON.stringify(request.headers)));
const port = new Promise<number>((resolve) => {
  service.listen(0, '127.0.0.1', () => resolve((service.address() as AddressInfo).port));
});
after(() => service.close());

interface Case {
  readonly header?: object;
  readonly claims: object;
  readonly path?: string;
  /** The reason, or headers that the service receives. */
  readonly outcome: string | Readonly<Record<string, string>>;
}

const tenant = '4f9c2b1e-0d7a-4c55-9a31-6d4b1f0e2a77';
const application = '63b73f76-7400-487d-b122-5705b848da80';
const fusionauth = { iss: 'https://auth.example.com', aud: application, sub: 'u1', tid: tenant };
const keycloak = { iss: 'https://keycloak.example.com/realms/main', sub: 'u1', azp: 'web' };
const auth0 = { iss: 'https://example.eu.auth0.com/', sub: 'auth0|6413', azp: 'web' };
const entra = {
  iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
  aud: '0a1b2c3d-1111-4222-8333-444455556666',
  sub: 'pairwise',
  oid: 'u1',
  tid: tenant,
  ver: '2.0',
};
const pool = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12Cd34E';
const cognito = { iss: pool, sub: 'u1', client_id: '3n4b5urk1ft4fl3mg5e62d9ado', version: 2 };
const noType = { alg: 'RS256', kid: 'k' };

/** Tokens as the products issue them: access tokens, and tokens that must be refused. */
const cases: Readonly<Record<string, readonly Case[]>> = {
  'fusionauth.yaml': [
    {
      claims: {
        ...fusionauth,
        applicationId: application,
        roles: ['admin', 'user'],
        scope: 'offline_access',
      },
      path: '/admin',
      outcome: { 'x-user-id': 'u1', 'x-user-roles': 'admin,user' },
    },
    {
      claims: { ...fusionauth, applicationId: application, roles: ['user'] },
      path: '/admin',
      outcome: 'role_missing',
    },
    // A user who is not registered for the application.
    { claims: fusionauth, outcome: 'claim_missing' },
    // An ID token.
    { claims: { ...fusionauth, applicationId: application, at_hash: 'x' }, outcome: 'claim_mismatch' },
    // Another application of the same instance, signed by the same keys.
    { claims: { ...fusionauth, aud: tenant, applicationId: tenant }, outcome: 'audience_mismatch' },
  ],
  'keycloak.yaml': [
    {
      claims: {
        ...keycloak,
        aud: ['orders', 'account'],
        typ: 'Bearer',
        preferred_username: 'user',
        realm_access: { roles: ['offline_access', 'orders-reader'] },
      },
      outcome: { 'x-user-id': 'u1', 'x-user-name': 'user', 'x-user-roles': 'offline_access,orders-reader' },
    },
    { claims: { ...keycloak, aud: 'account', typ: 'Bearer' }, outcome: 'audience_mismatch' },
    { claims: { ...keycloak, aud: 'orders', typ: 'ID', nonce: 'n' }, outcome: 'claim_mismatch' },
    { claims: { ...keycloak, aud: 'orders', typ: 'ID' }, outcome: 'claim_mismatch' },
  ],
  'auth0.yaml': [
    {
      claims: {
        ...auth0,
        aud: ['https://api.example.com', 'https://example.eu.auth0.com/userinfo'],
        scope: 'openid read:orders',
      },
      path: '/orders',
      outcome: { 'x-user-id': 'auth0|6413' },
    },
    {
      header: { alg: 'RS256', typ: 'at+jwt' },
      claims: { ...auth0, aud: 'https://api.example.com', client_id: 'web' },
      outcome: { 'x-user-id': 'auth0|6413' },
    },
    {
      claims: { ...auth0, aud: 'https://api.example.com', scope: 'write:orders' },
      path: '/orders',
      outcome: 'scope_insufficient',
    },
    // An ID token: its aud is the client.
    { claims: { ...auth0, aud: 'web' }, outcome: 'audience_mismatch' },
  ],
  'entra-id.yaml': [
    { claims: { ...entra, scp: 'access_as_user' }, outcome: { 'x-user-id': 'u1', 'x-tenant-id': tenant } },
    {
      claims: { ...entra, azp: 'job', roles: ['Jobs.Run'] },
      path: '/jobs',
      outcome: { 'x-client-id': 'job' },
    },
    // An ID token of the same registration.
    { claims: { ...entra, name: 'A User' }, outcome: 'scope_insufficient' },
    // A token of version 1.0.
    {
      claims: { ...entra, iss: `https://sts.windows.net/${tenant}/`, scp: 'access_as_user', ver: '1.0' },
      outcome: 'issuer_mismatch',
    },
  ],
  'cognito.yaml': [
    {
      header: noType,
      claims: { ...cognito, token_use: 'access', scope: 'orders/read', username: 'user' },
      outcome: { 'x-user-id': 'u1', 'x-client-id': cognito.client_id },
    },
    {
      header: noType,
      claims: { ...cognito, token_use: 'access', 'cognito:groups': ['admins'] },
      path: '/admin',
      outcome: { 'x-user-id': 'u1' },
    },
    // Another client of the same pool.
    {
      header: noType,
      claims: { ...cognito, client_id: 'other', token_use: 'access' },
      outcome: 'claim_mismatch',
    },
    // An ID token has aud and no client_id.
    {
      header: noType,
      claims: { iss: pool, sub: 'u1', aud: cognito.client_id, token_use: 'id' },
      outcome: 'claim_missing',
    },
  ],
};

/** The example in this process: with a key of this test, the service of this test, and only what its traffic needs. */
async function objectOf(name: string): Promise<ConfigObject> {
  const { revocation: _, state: __, ...config } = parse(text(name)) as ConfigObject;
  const issuers = Object.entries(config.issuers ?? {}).map(([issuer, value]) => [
    issuer,
    { ...value, keys: { pem: key.pem } },
  ]);
  return {
    ...config,
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    issuers: Object.fromEntries(issuers),
    upstreams: { app: { servers: [`http://127.0.0.1:${await port}`] } },
  };
}

/** Warnings of these files only. */
const warnings: Readonly<Record<string, RegExp>> = {
  'cognito.yaml': /issuers\.cognito\.audience: any: /,
};

describe('the example for each issuer', () => {
  test('is a file with tokens to try, or that of a proxy', () => {
    assert.deepEqual(files.sort(), [...Object.keys(cases), 'nginx-in-front/portcullis.yaml'].sort());
  });

  for (const name of files) {
    test(`${name} is valid, and names the schema`, () => {
      const file = join(folder, name);
      // The folder of the state exists where a service runs; any will do here.
      const shown = text(name).replace('/var/lib/portcullis', folder);
      const result = parseConfig({ text: shown, file, folder: join(file, '..'), env: {} });
      assert.ok(result.ok, JSON.stringify(result));
      const expected = warnings[name];
      assert.equal(result.config.warnings.length, expected === undefined ? 0 : 1);
      if (expected !== undefined) assert.match(result.config.warnings[0] ?? '', expected);
      const [, target = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text(name)) ?? [];
      const schema = fileURLToPath(new URL(target, pathToFileURL(file)));
      assert.equal(schema, join(root, 'portcullis.schema.json'));
    });
  }

  for (const [name, tokens] of Object.entries(cases)) {
    test(`${name} accepts the access tokens of its issuer, and no other token`, async () => {
      const gateway = createGateway(await objectOf(name), { log: silentLog });
      await gateway.start();
      try {
        for (const {
          header = { alg: 'RS256', typ: 'JWT', kid: 'k' },
          claims,
          path = '/',
          outcome,
        } of tokens) {
          const payload = { ...claims, iat: secondsFromNow(-5), exp: secondsFromNow(300) };
          const reply = await fetch(`http://${gateway.addresses.listen[0]}${path}`, {
            headers: { authorization: `Bearer ${rs256(key, payload, header)}` },
          });
          const body = (await reply.json()) as Readonly<Record<string, unknown>>;
          const about = JSON.stringify([claims, body]);
          if (typeof outcome === 'string') assert.equal(body['code'], outcome, about);
          else for (const [field, value] of Object.entries(outcome)) assert.equal(body[field], value, about);
        }
        // The public route needs none.
        assert.equal((await fetch(`http://${gateway.addresses.listen[0]}/health`)).status, 200);
      } finally {
        await gateway.close({ grace: 0 });
      }
    });
  }
});
