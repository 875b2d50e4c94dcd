import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { discoveryUrl, urlObstacle } from '../../src/keys/key-url.ts';
import { readDiscovery } from '../../src/keysets/discovery.ts';
import { FetchError } from '../../src/keysets/fetch-document.ts';
import { rsaKey } from '../support/tokens.ts';
import { jwk, keySet, ok, ScriptedIssuer, status } from './scripted-issuer.ts';
import { startSecureIssuer } from './secure-issuer.ts';
import { Subject } from './support.ts';

const from = new URL('https://idp.example/d?secret=1');
const ISSUER = 'https://idp.example';

describe('a discovery document', () => {
  test('leads to the key set of its issuer', () => {
    const text = JSON.stringify({ issuer: ISSUER, jwks_uri: 'https://keys.example/k?v=1' });
    assert.equal(readDiscovery(text, from, ISSUER).href, 'https://keys.example/k?v=1');
  });

  for (const [name, document, message] of [
    [
      'of another issuer',
      { issuer: 'https://evil', jwks_uri: 'https://k' },
      'names the issuer "https://evil", and the configuration "https://idp.example"; must be equal',
    ],
    [
      'with a slash too many',
      { issuer: `${ISSUER}/`, jwks_uri: 'https://k' },
      'names the issuer "https://idp.example/", and the configuration "https://idp.example"; they differ in the slash at the end alone; must be equal',
    ],
    ['without issuer', { jwks_uri: 'https://k' }, 'names no issuer'],
    ['with a list of issuers', { issuer: [ISSUER], jwks_uri: 'https://k' }, 'names no issuer'],
    ['without jwks_uri', { issuer: ISSUER }, 'has no jwks_uri that is a URL'],
    ['with a relative jwks_uri', { issuer: ISSUER, jwks_uri: '/k' }, 'has no jwks_uri that is a URL'],
    ['that is a list', [], 'is not an OpenID discovery document'],
    ['that is null', null, 'is not an OpenID discovery document'],
  ] as const) {
    test(`${name} is refused`, () => {
      assert.throws(
        () => readDiscovery(JSON.stringify(document), from, ISSUER),
        (error) => {
          assert.ok(error instanceof FetchError);
          assert.equal(error.message, `https://idp.example/d ${message}`);
          return true;
        },
      );
    });
  }

  test('that is no JSON is refused', () => {
    assert.throws(() => readDiscovery('<html>', from, ISSUER), /is not JSON/);
  });
});

test('the well-known path is added where it is missing, and the query stays', () => {
  for (const [given, wanted] of [
    ['https://i', 'https://i/.well-known/openid-configuration'],
    ['https://i/', 'https://i/.well-known/openid-configuration'],
    ['https://i/realms/a//', 'https://i/realms/a/.well-known/openid-configuration'],
    ['https://i/a?p=b', 'https://i/a/.well-known/openid-configuration?p=b'],
    ['https://i/a/.well-known/openid-configuration', 'https://i/a/.well-known/openid-configuration'],
  ] as const) {
    assert.equal(discoveryUrl(new URL(given)).href, wanted);
  }
});

test('plain http is accepted on loopback, or where the configuration allows it', () => {
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.9.9.9', '[::1]', '0x7f.1']) {
    assert.equal(urlObstacle(new URL(`http://${host}:1/`), false), undefined, host);
  }
  for (const host of [
    'idp',
    '10.0.0.1',
    '[::]',
    '0.0.0.0',
    '127.0.0.1.evil.example',
    'localhost.evil',
    '[::2]',
  ]) {
    assert.match(urlObstacle(new URL(`http://${host}/`), false) ?? '', /^is plain http/, host);
    assert.equal(urlObstacle(new URL(`http://${host}/`), true), undefined);
  }
  assert.match(urlObstacle(new URL('ftp://localhost/'), true) ?? '', /^is not an https URL/);
  assert.match(urlObstacle(new URL('https://a:b@idp/'), true) ?? '', /^holds a user/);
});

describe('keys by discovery', async () => {
  const server = await ScriptedIssuer.start();
  const iss = server.url('');
  const path = '/.well-known/openid-configuration';
  const key = rsaKey();
  after(() => server.close());
  const subject = (): Subject =>
    new Subject(server.url(path), { changes: { kind: 'discovery' }, issuer: { issuer: iss } });

  test('are those of its jwks_uri, which is looked up anew each time', async () => {
    server.responses.set(path, ok(JSON.stringify({ issuer: iss, jwks_uri: server.url('/a') })));
    server.responses.set('/a', keySet(jwk(key, { kid: 'a' })));
    server.responses.set('/b', keySet(jwk(key, { kid: 'b' })));
    const { set, enforced, ...rest } = subject();
    set.start();
    await set.refetch();
    server.responses.set(path, ok(JSON.stringify({ issuer: iss, jwks_uri: server.url('/b') })));
    rest.time.advance(3_600_000);
    await set.refetch();
    assert.deepEqual(enforced, [['a'], ['b']]);
    await set.close();
  });

  test('are not taken from another issuer, or over plain http from elsewhere', async () => {
    for (const [document, message] of [
      [{ issuer: `${iss}/`, jwks_uri: server.url('/a') }, /differ in the slash at the end alone/],
      [{ issuer: iss, jwks_uri: 'http://keys.example/k' }, /^http:\/\/keys\.example\/k is plain http/],
      [{ issuer: iss, jwks_uri: 'file:///etc/passwd' }, /is not an https URL/],
    ] as const) {
      server.responses.set(path, ok(JSON.stringify(document)));
      const one = subject();
      await one.start();
      assert.match(one.set.lastError ?? '', message);
      assert.deepEqual(one.enforced, []);
      await one.set.close();
    }
  });

  test('stay https when the document came over https, on this machine too', async () => {
    const { server: secure, trusting, close } = await startSecureIssuer();
    server.responses.set('/a', keySet(jwk(key)));
    secure.responses.set(path, ok(JSON.stringify({ issuer: iss, jwks_uri: server.url('/a') })));
    const before = server.asked.length;
    const one = new Subject(secure.url(path), {
      changes: { kind: 'discovery', allowHttp: true },
      issuer: { issuer: iss },
      fetch: trusting,
    });
    await one.start();
    assert.equal(one.set.lastError, `${server.url('/a')} is not https, as the way to it was; must be https`);
    assert.equal(server.asked.length, before);
    await one.set.close();
    await close();
  });

  test('a failing document is a failing fetch', async () => {
    server.responses.set(path, status(500));
    const one = subject();
    await one.start();
    assert.equal(one.set.lastError, `${server.url(path)} answered with status 500; must be 200`);
    await one.set.close();
  });
});
