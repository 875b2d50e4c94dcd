import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load.ts';
import { servesAlike } from '../../src/gateway/serves-alike.ts';
import { Authority } from '../support/authority.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-alike-'));
after(() => rmSync(folder, { recursive: true }));
const root = new Authority('root');
for (const name of ['one', 'two']) {
  const { cert, key } = root.issue({ cn: name, names: ['a.example'] });
  writeFileSync(join(folder, `${name}.pem`), cert + key);
}
const secret = 'a secret of 32 bytes and somewhat more';

/** @param listen terms of the address. @param rest lines of the file. */
function configOf(listen: string, rest = 'auth: none', env: Record<string, string> = {}): Config {
  const text = `listen: { address: 127.0.0.1:8443${listen} }\nupstream: http://h:1\n${rest}\n`;
  const result = parseConfig({ text, file: 'f', folder, env, cores: 1 });
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

const base = configOf(', tls: { certificates: one.pem }');
const issuer = `issuers: { i: { issuer: 'https://i', keys: { secret: "$${'{KEY}'}" }, algorithms: [HS256], audience: a } }
auth: i`;
const cases: readonly (readonly [what: string, after: Config, alike: boolean])[] = [
  ['the same file', configOf(', tls: { certificates: one.pem }'), true],
  ['another certificate', configOf(', tls: { certificates: two.pem }'), true],
  ['one more certificate', configOf(', tls: { certificates: [one.pem, two.pem] }'), true],
  ['another version of TLS', configOf(', tls: { certificates: one.pem, minVersion: TLSv1.3 }'), true],
  ['no TLS', configOf(''), false],
  ['another protocol', configOf(', protocols: [h2], tls: { certificates: one.pem }'), false],
  ['another realm', configOf(', tls: { certificates: one.pem }', 'auth: none\nrealm: other'), false],
  [
    'another limit',
    configOf(', tls: { certificates: one.pem }', 'auth: none\nlimits: { connections: 7 }'),
    false,
  ],
];
for (const [what, config, alike] of cases) {
  test(`one service can ${alike ? '' : 'not '}serve with ${what}`, () => {
    assert.equal(servesAlike(base, config), alike);
  });
}

test('one service cannot serve with another key of an issuer', () => {
  const withKey = (key: string): Config => configOf('', issuer, { KEY: key });
  assert.equal(servesAlike(withKey(secret), withKey(secret)), true);
  assert.equal(servesAlike(withKey(secret), withKey(`${secret}!`)), false);
});
