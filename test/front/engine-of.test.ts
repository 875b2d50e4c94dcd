import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AddressTerms } from '../../src/config/config.ts';
import { changesEngine, engineOf } from '../../src/front/engine-of.ts';
import { Authority } from '../support/authority.ts';
import { certificateConfig, tlsConfig } from '../support/tls.ts';

const tls = tlsConfig([
  certificateConfig(new Authority('root').issue({ cn: 'site', names: ['site.example'] })),
]);
const NONE = 'no uWebSockets.js binary for Node.js 99 on linux-arm64';
const at = (terms: AddressTerms) => ({ host: '127.0.0.1', port: 1, ...terms });

for (const [terms, withUws, without] of [
  [{}, ['uws', 'auto'], ['node', NONE]],
  [{ protocols: ['http/1.1'] }, ['uws', 'auto'], ['node', NONE]],
  [{ redirect: 'https' }, ['uws', 'auto'], ['node', NONE]],
  [{ engine: 'uws' }, ['uws', 'engine: uws'], ['uws', 'engine: uws']],
  [{ engine: 'node' }, ['node', 'engine: node'], ['node', 'engine: node']],
  [{ tls }, ['node', 'tls'], ['node', 'tls']],
  [{ proxyProtocol: 'required' }, ['node', 'proxyProtocol'], ['node', 'proxyProtocol']],
  [{ protocols: ['h2c', 'http/1.1'] }, ['node', 'h2c'], ['node', 'h2c']],
  [{ engine: 'node', tls }, ['node', 'tls'], ['node', 'tls']],
] as const) {
  test(`an address with ${JSON.stringify(Object.keys(terms))} is served by ${withUws[0]}`, () => {
    const chosen = [undefined, NONE].map((why) => engineOf(at(terms), why));
    assert.deepEqual(
      chosen.map(({ engine, reason }) => [engine, reason]),
      [withUws, without],
    );
  });
}

test('terms that only one engine has change the engine of an address', () => {
  assert.equal(changesEngine(at({}), at({ tls })), true);
  assert.equal(changesEngine(at({ engine: 'node' }), at({ tls })), false);
  assert.equal(changesEngine(at({}), at({ protocols: ['http/1.1'] })), false);
  assert.equal(changesEngine(at({ engine: 'uws' }), at({})), true);
});
