import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNodeVersion } from '../../src/gateway/node-version.ts';
import { isVulnerable } from '../../src/lib/node-version.ts';
import { Authority } from '../support/authority.ts';
import { silentLog, testConfig } from '../support/gateway.ts';
import { certificateConfig, tlsConfig } from '../support/tls.ts';

test('releases with known holes in TLS are those before the mended ones, and lines that have ended', () => {
  for (const bad of [
    '18.0.0',
    '20.20.2',
    '20.99.0',
    '21.0.0',
    '22.22.9',
    '22.23.4',
    '23.11.0',
    '24.22.2',
    '25.9.0',
    '26.0.0',
    '26.12.1',
  ]) {
    assert.equal(isVulnerable(bad), true, bad);
  }
  for (const good of [
    '22.23.5',
    '22.23.10',
    '22.24.0',
    '24.22.3',
    '24.30.0',
    '26.12.2',
    '26.13.0',
    '27.0.0',
    '28.1.0',
  ]) {
    assert.equal(isVulnerable(good), false, good);
  }
});

test('an address with TLS is refused there, unless the operator accepts it', () => {
  const tls = tlsConfig([certificateConfig(new Authority('root').issue({ names: ['a.example'] }))]);
  const plain = testConfig({ upstreamPort: 1 });
  const secure = testConfig({
    upstreamPort: 1,
    config: { listen: [{ host: '127.0.0.1', port: 443, engine: 'node', tls }] },
  });
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_: object, text: string) => void warnings.push(text) };
  assertNodeVersion(plain, false, log, '20.20.2');
  assertNodeVersion(secure, false, log, '22.23.5');
  assert.deepEqual(warnings, []);
  assert.throws(
    () => assertNodeVersion(secure, false, log, '20.20.2'),
    /cannot serve 127\.0\.0\.1:443 with TLS: Node\.js 20\.20\.2 .*use 22\.23\.5, 24\.22\.3, 26\.12\.2 or later, or start with --accept-vulnerable-node/,
  );
  assertNodeVersion(secure, true, log, '20.20.2');
  assert.equal(warnings.length, 1);
});
