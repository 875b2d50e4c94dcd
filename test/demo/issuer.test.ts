import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { demoIdentity } from '../../src/demo/identity.ts';
import { type DemoIssuer, startIssuer } from '../../src/demo/issuer.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { request, Wire, type WireResponse } from '../support/wire.ts';

const clock: Clock = { wall: () => 1_700_000_000_999, monotonic: () => 0 };
const onError = (error: unknown): void => {
  throw error;
};
const { apiKey, applicationId, user } = demoIdentity;
const credentials = { loginId: user.email, password: user.password, applicationId };

describe('the demo issuer', () => {
  let issuer: DemoIssuer;

  before(async () => {
    issuer = await startIssuer({ port: 0, identity: demoIdentity, onError, clock });
  });
  after(() => issuer.close());

  const get = (path: string): Promise<WireResponse> =>
    request(issuer.port, `GET ${path} HTTP/1.1\r\nHost: localhost:9011\r\n\r\n`);

  const login = (body: string, authorization: string | undefined = apiKey): Promise<WireResponse> =>
    request(
      issuer.port,
      [
        'POST /api/login HTTP/1.1',
        'Host: localhost:9011',
        ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n'),
    );

  const part = (token: string, index: number): Record<string, unknown> =>
    JSON.parse(Buffer.from(token.split('.')[index] as string, 'base64url').toString());

  test('a login yields a token with the claims of FusionAuth, signed by the published key', async () => {
    const reply = await login(JSON.stringify({ ...credentials, noJWT: false }));
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('content-type'), 'application/json; charset=utf-8');
    const { token, tokenExpirationInstant, user: profile } = JSON.parse(reply.body);
    assert.equal(tokenExpirationInstant, 1_700_003_600_000);
    assert.equal(profile.email, user.email);
    assert.equal('password' in profile, false);

    const { keys } = JSON.parse((await get('/.well-known/jwks.json')).body);
    assert.equal(keys.length, 1);
    const { kid, alg, use, kty, d } = keys[0];
    assert.deepEqual({ alg, use, kty, d }, { alg: 'RS256', use: 'sig', kty: 'RSA', d: undefined });
    assert.match(kid, /^[\w-]{27}$/);

    assert.deepEqual(part(token, 0), { alg: 'RS256', typ: 'JWT', kid, gty: ['password'] });
    const { jti, ...claims } = part(token, 1);
    assert.match(String(jti), /^[0-9a-f-]{36}$/);
    assert.deepEqual(claims, {
      aud: '63b73f76-7400-487d-b122-5705b848da80',
      exp: 1_700_003_600,
      iat: 1_700_000_000,
      iss: 'https://local.fusionauth.io',
      sub: user.id,
      authenticationType: 'PASSWORD',
      email: user.email,
      email_verified: true,
      preferred_username: user.username,
      applicationId: '63b73f76-7400-487d-b122-5705b848da80',
      roles: [...user.roles],
      auth_time: 1_700_000_000,
      tid: demoIdentity.tenantId,
    });

    const [header, payload, signature] = token.split('.');
    for (const key of [
      createPublicKey({ key: keys[0], format: 'jwk' }),
      createPublicKey(issuer.publicKeyPem),
    ]) {
      assert.equal(key.asymmetricKeyDetails?.modulusLength, 2048);
      const signed = Buffer.from(`${header}.${payload}`);
      assert.equal(verify('sha256', signed, key, Buffer.from(signature, 'base64url')), true);
    }
  });

  test('two logins give two tokens', async () => {
    const [one, other] = await Promise.all([1, 2].map(() => login(JSON.stringify(credentials))));
    assert.notEqual(JSON.parse(one?.body ?? '').token, JSON.parse(other?.body ?? '').token);
  });

  test('a login for no application yields a token that names none', async () => {
    const reply = await login(JSON.stringify({ loginId: user.email, password: user.password }));
    assert.equal(reply.status, 200);
    const claims = part(JSON.parse(reply.body).token, 1);
    assert.deepEqual(
      ['aud', 'applicationId', 'roles'].filter((name) => name in claims),
      [],
    );
  });

  test('noJWT yields only the user', async () => {
    const reply = await login(JSON.stringify({ ...credentials, noJWT: true }));
    assert.equal(reply.status, 200);
    assert.deepEqual(Object.keys(JSON.parse(reply.body)), ['user']);
  });

  test('a missing or wrong API key is 401 with an empty body', async () => {
    for (const authorization of ['', 'wrong', `Bearer ${apiKey}`, `${apiKey}x`]) {
      const reply = await login(JSON.stringify(credentials), authorization);
      assert.equal(reply.status, 401, authorization);
      assert.equal(reply.body, '');
    }
  });

  test('a wrong user or password is 404 with an empty body', async () => {
    for (const wrong of [
      { loginId: 'eve@example.com' },
      { password: 'x' },
      { loginId: user.email.toUpperCase() },
    ]) {
      const reply = await login(JSON.stringify({ ...credentials, ...wrong }));
      assert.equal(reply.status, 404, JSON.stringify(wrong));
      assert.equal(reply.body, '');
    }
  });

  test('a body that is no JSON object is 400', async () => {
    for (const body of ['', '{', '[]', 'null', '"x"', '{"loginId":}']) {
      const reply = await login(body);
      assert.equal(reply.status, 400, body);
      assert.equal(JSON.parse(reply.body).generalErrors[0].code, '[invalidJSON]');
    }
  });

  test('blank fields and an unknown application are 400, each named', async () => {
    const reply = await login(JSON.stringify({ loginId: '', password: 7, applicationId: 'x' }));
    assert.equal(reply.status, 400);
    const faults: Record<string, { code: string }[]> = JSON.parse(reply.body).fieldErrors;
    assert.deepEqual(
      Object.values(faults).map(([fault]) => fault?.code),
      ['[blank]loginId', '[blank]password', '[invalid]applicationId'],
    );
    assert.deepEqual(Object.keys(faults), ['loginId', 'password', 'applicationId']);
  });

  test('a body over 16 KiB is 413 and ends the connection', async () => {
    const reply = await login(JSON.stringify({ ...credentials, note: 'n'.repeat(1_000_000) }));
    assert.equal(reply.status, 413);
    assert.equal(reply.closed, true);
  });

  test('public keys come as PEM: all of them, or one by kid or application', async () => {
    const { publicKeys } = JSON.parse((await get('/api/jwt/public-key')).body);
    const [[kid, pem]] = Object.entries(publicKeys) as [[string, string]];
    assert.equal(pem, issuer.publicKeyPem);
    for (const query of [`kid=${kid}`, `applicationId=${applicationId}`]) {
      assert.deepEqual(JSON.parse((await get(`/api/jwt/public-key?${query}`)).body), { publicKey: pem });
    }
    for (const query of ['kid=x', 'applicationId=x', `kid=${kid}&applicationId=x`]) {
      assert.equal((await get(`/api/jwt/public-key?${query}`)).status, 404, query);
    }
  });

  test('the discovery document leads to the key set', async () => {
    const document = JSON.parse((await get('/.well-known/openid-configuration')).body);
    assert.equal(document.issuer, 'https://local.fusionauth.io');
    assert.equal(document.jwks_uri, 'http://localhost:9011/.well-known/jwks.json');
  });

  test('a client that leaves in the middle of its body harms no other', async () => {
    const wire = await Wire.open(issuer.port);
    wire.send('POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
    wire.reset();
    assert.equal((await login(JSON.stringify(credentials))).status, 200);
  });

  test('any other request is 404', async () => {
    assert.equal((await get('/')).status, 404);
    assert.equal((await get('/api/login')).status, 404);
    assert.equal((await request(issuer.port, 'PUT /api/login HTTP/1.1\r\nHost: x\r\n\r\n')).status, 404);
  });
});

test('each start makes its own key', async () => {
  const one = await startIssuer({ port: 0, identity: demoIdentity, onError });
  const other = await startIssuer({ port: 0, identity: demoIdentity, onError });
  await Promise.all([one.close(), other.close()]);
  assert.notEqual(one.publicKeyPem, other.publicKeyPem);
});

test('an internal error is reported and cuts the connection', async () => {
  const fault = new Error('the clock stopped');
  const faults: unknown[] = [];
  const broken: Clock = {
    wall: () => {
      throw fault;
    },
    monotonic: () => 0,
  };
  const issuer = await startIssuer({
    port: 0,
    identity: demoIdentity,
    clock: broken,
    onError: (error) => faults.push(error),
  });
  const body = JSON.stringify(credentials);
  const wire = await Wire.open(issuer.port);
  wire.send(
    `POST /api/login HTTP/1.1\r\nHost: x\r\nAuthorization: ${apiKey}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.equal(await wire.untilClosed(), '');
  assert.deepEqual(faults, [fault]);
  wire.close();
  await issuer.close();
});
