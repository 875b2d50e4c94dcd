import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RemoteKeysConfig } from '../../src/config/config.ts';
import { configOf, faultsOf, fixtures } from './check.ts';

const file = (keys: string, issuer = 'https://idp', more = ''): string => `listen: 127.0.0.1:0
upstream: http://127.0.0.1:9000
issuers: { app: { issuer: "${issuer}", audience: a, algorithms: [RS256], keys: { ${keys} } } }
${more}`;

function remote(keys: string): RemoteKeysConfig {
  const issuer = configOf(file(keys)).issuers.get('app');
  assert.deepEqual(issuer?.keys, []);
  const [remote, ...more] = issuer.remotes ?? [];
  assert.ok(remote !== undefined && more.length === 0);
  return remote;
}

/** Faults without their place in the file. */
const faults = (keys: string, issuer?: string): readonly string[] =>
  faultsOf(file(keys, issuer)).map((fault) => fault.replace(/^f:\d+:\d+: issuers\.app\.keys\.?/, ''));

test('an address of a key set has every setting filled in', () => {
  assert.deepEqual(remote('jwks: https://idp/keys?v=1#part'), {
    kind: 'jwks',
    url: 'https://idp/keys?v=1',
    allowHttp: false,
    refreshMinMs: 60_000,
    refreshMaxMs: 3_600_000,
    timeoutMs: 5_000,
    staleMs: 86_400_000,
    unknownKidGapMs: 30_000,
  });
});

test('every setting can be set', () => {
  const settings = 'refreshMin: 5s, refreshMax: 10s, timeout: 1s, stale: 20s, unknownKidGap: 2s';
  assert.deepEqual(remote(`discovery: http://idp:8080/realm/, ${settings}, allowHttp: true`), {
    kind: 'discovery',
    url: 'http://idp:8080/realm/.well-known/openid-configuration',
    allowHttp: true,
    refreshMinMs: 5_000,
    refreshMaxMs: 10_000,
    timeoutMs: 1_000,
    staleMs: 20_000,
    unknownKidGapMs: 2_000,
  });
});

test('plain http is accepted on loopback', () => {
  for (const host of ['localhost:1', '127.0.0.1:1', '[::1]:1']) {
    assert.equal(remote(`jwks: "http://${host}/keys"`).url, `http://${host}/keys`);
  }
});

const plain =
  'is plain http, in which anyone on the way could put other keys; must be https, or allowHttp: true';
const noEffect = 'has no effect on keys that are not fetched; must be left out';
for (const [keys, ...expected] of [
  ['jwks: http://idp/keys', `jwks: ${plain}`],
  ['jwks: http://idp/keys, allowHttp: false', `jwks: ${plain}`],
  ['discovery: http://idp', `discovery: ${plain}`],
  ['jwks: ftp://idp/keys', 'jwks: is not an https URL; must start with https://'],
  ['jwks: file:///etc/keys.json', 'jwks: is not an https URL; must start with https://'],
  ['jwks: "https://"', 'jwks: is no URL; must be one such as https://idp.example'],
  ['discovery: idp', 'discovery: is no URL; must be one such as https://idp.example'],
  ['discovery: "idp:80"', 'discovery: is not an https URL; must start with https://'],
  ['jwks: https://me:pass@idp/', 'jwks: holds a user or a password; must hold none'],
  [
    'jwks: https://idp/k, refreshMin: 2h',
    'refreshMin: is above refreshMax, which is 1h; must be at most that',
  ],
  [
    'jwks: https://idp/k, stale: 90m',
    'stale: leaves no time for a second try; must be at least 2h, twice refreshMax',
  ],
  ['pem: public-key.pem, refreshMin: 1m', `refreshMin: ${noEffect}`],
  ['pem: public-key.pem, allowHttp: false', `allowHttp: ${noEffect}`],
  [
    'jwks: https://idp/k, discovery: https://idp',
    ': has jwks and discovery; must have exactly one of pem, jwks, discovery, secret',
  ],
  [
    'jwks: https://idp/k, timeout: 0s',
    'timeout: is out of range; must be a duration from 100ms to 1m, such as 250ms, 5s, 10m or 1h',
  ],
] as const) {
  test(`keys: { ${keys} } is refused`, () => {
    assert.deepEqual(faults(keys), expected);
  });
}

test('a discovery document needs an issuer to compare with', () => {
  assert.deepEqual(faults('discovery: https://idp', 'any'), [
    'discovery: needs the issuer that the document must name; must come with issuer other than any',
  ]);
});

test('an algorithm for secrets is refused, because the keys are public', () => {
  const text = file('jwks: https://idp/k').replace('RS256', 'RS256, HS256');
  assert.match(faultsOf(text).join('\n'), /algorithms\[1\]: HS256 is for a shared secret/);
});

test('no fault shows a value from the environment', () => {
  for (const keys of [`jwks: "\${URL}"`, `discovery: "\${URL}"`]) {
    const found = faultsOf(file(keys), { URL: 'http://idp/hunter2?key=hunter2' });
    assert.equal(found.length, 1);
    assert.doesNotMatch(found.join('\n'), /hunter2/);
  }
});

test('the folder for state is absolute, and absent by default', () => {
  const keys = 'pem: public-key.pem';
  assert.equal(configOf(file(keys)).state, undefined);
  assert.equal(configOf(file(keys, 'i', 'state: kept/here')).state, `${fixtures}/kept/here`);
  assert.equal(configOf(file(keys, 'i', 'state: /var/lib/portcullis')).state, '/var/lib/portcullis');
});
