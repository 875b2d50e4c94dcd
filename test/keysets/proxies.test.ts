import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Environment, ProxyError, proxyFor } from '../../src/keysets/proxies.ts';

const secure = new URL('https://idp.example/keys');
const plain = new URL('http://idp.example/keys');
const chosen = (url: URL, env: Environment): string | undefined => {
  const proxy = proxyFor(url, env);
  return proxy && `${proxy.variable} ${proxy.uri}`;
};

test('each scheme has its own variable, and lower case takes precedence', () => {
  assert.equal(chosen(secure, { HTTPS_PROXY: 'http://p:1' }), 'HTTPS_PROXY http://p:1');
  assert.equal(chosen(plain, { HTTP_PROXY: 'https://p:1' }), 'HTTP_PROXY https://p:1');
  assert.equal(chosen(secure, { HTTP_PROXY: 'http://p:1', ALL_PROXY: 'http://p:1' }), undefined);
  assert.equal(chosen(plain, { HTTPS_PROXY: 'http://p:1' }), undefined);
  assert.equal(
    chosen(secure, { https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:1' }),
    'https_proxy http://a:1',
  );
  assert.equal(chosen(secure, { https_proxy: '', HTTPS_PROXY: 'http://b:1' }), undefined);
  assert.equal(chosen(secure, {}), undefined);
});

test('this machine has none', () => {
  for (const host of ['127.0.0.1', '127.8.9.1', 'localhost', '[::1]']) {
    for (const scheme of ['http', 'https']) {
      const env = { HTTP_PROXY: 'http://p:1', HTTPS_PROXY: 'http://p:1' };
      assert.equal(chosen(new URL(`${scheme}://${host}:8443/keys`), env), undefined, host);
    }
  }
  assert.ok(chosen(new URL('https://127.0.0.1.example/'), { HTTPS_PROXY: 'http://p:1' }));
});

test('a user and a password are separated from the address, which may be without a scheme', () => {
  const read = (value: string) => proxyFor(secure, { HTTPS_PROXY: value, NO_PROXY: ' a, b ' });
  const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
  const rest = { variable: 'HTTPS_PROXY', shown: 'http://p:3128', uri: 'http://p:3128', except: 'a, b' };
  assert.deepEqual(read('p:3128'), { ...rest, authorization: undefined });
  assert.deepEqual(read('http://u:p%40%3a@p:3128/x?y'), { ...rest, authorization: basic('u:p@:') });
  assert.deepEqual(read('u:p@p:3128'), { ...rest, authorization: basic('u:p') });
  assert.deepEqual(read('http://token@p:3128'), { ...rest, authorization: basic('token:') });
});

test('an invalid proxy is refused and not quoted', () => {
  for (const value of [
    'socks5://u:secret@p:1',
    'http://',
    'http://u:%zz@p',
    'file:///etc/secret',
    'p:70000',
    '::',
  ]) {
    assert.throws(
      () => proxyFor(secure, { HTTPS_PROXY: value }),
      (error) =>
        error instanceof ProxyError &&
        error.message === 'HTTPS_PROXY names no proxy; must be http://HOST:PORT or https://HOST:PORT',
      value,
    );
  }
});
