// Source: operators who switch a check by an environment variable: `rejectIdTokens: "${STRICT:-true}"`.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { configOf, faultsOf } from '../config/check.ts';

const file = (issuer: string, more = ''): string => `listen: 127.0.0.1:0
upstream: http://127.0.0.1:9000
issuers: { app: { issuer: x, audience: y, algorithms: [HS256], keys: { secret: ${'s'.repeat(32)} }, ${issuer} } }
${more}`;
const variable = (name: string): string => `$${'{'}${name}}`;

const strict = (config: Config): unknown => config.issuers.get('app')?.rejectIdTokens;

describe('a value that is one variable takes the type of its key', () => {
  test('true and false', () => {
    const text = file(`rejectIdTokens: "${variable('STRICT:-true')}"`);
    assert.equal(strict(configOf(text)), true);
    assert.equal(strict(configOf(text, { STRICT: 'true' })), true);
    assert.equal(strict(configOf(text, { STRICT: 'false' })), false);
  });

  test('in a list, in a rule, and next to other faults', () => {
    const route = `routes: [ { match: { path: / }, auth: app, upstream: http://127.0.0.1:9000, require: { claims: { a: { exists: "${variable('A')}" } } } } ]`;
    const text = file('', route).replace('upstream: http://127.0.0.1:9000\n', '');
    assert.deepEqual(configOf(text, { A: 'false' }).routes[0]?.require?.claims, [
      { claim: 'a', kind: 'absent' },
    ]);
    assert.deepEqual(
      faultsOf(file(`rejectIdTokens: "${variable('STRICT')}", rolesClaim: 5`), { STRICT: 'true' }).map(
        (fault) => fault.replace(/^f:\d+:\d+: /, ''),
      ),
      [
        'issuers.app.rolesClaim: is a number; must be the name of a claim such as roles or realm_access.roles',
      ],
    );
  });

  test('numbers', () => {
    const text = file(
      '',
      `cache: { entries: "${variable('ENTRIES')}", bytes: "${variable('BYTES')}" }\nlisteners: "${variable('N')}"`,
    );
    const config = configOf(text, { ENTRIES: '5000', BYTES: '2097152', N: '2' });
    assert.deepEqual([config.cache.entries, config.cache.bytes, config.listeners], [5000, 2_097_152, 2]);
  });
});

describe('a value that is more than one variable keeps its type', () => {
  const fault = (value: string, env: Readonly<Record<string, string>> = {}): string =>
    faultsOf(file(`rejectIdTokens: ${value}`), env)
      .join()
      .replace(/^f:\d+:\d+: /, '');
  const wrong = 'issuers.app.rejectIdTokens: does not fit; must be true or false';

  test('a quoted text is a fault, and so is one in part from the environment', () => {
    assert.equal(fault('"true"'), wrong);
    assert.equal(fault(`"${variable('A')}e"`, { A: 'tru' }), wrong);
    assert.equal(fault(`"${variable('A')}${variable('B')}"`, { A: 'tr', B: 'ue' }), wrong);
    assert.equal(fault(`" ${variable('A')}"`, { A: 'true' }), wrong);
  });

  test('another word is a fault that does not repeat it', () => {
    for (const word of ['yes', 'True', 'TRUE', '1', 'on', ' true', 'null']) {
      assert.equal(fault(`"${variable('A')}"`, { A: word }), wrong, word);
    }
  });

  test('a key that accepts a text gets a text', () => {
    const text = file(`require: ["${variable('A')}"], rolesClaim: "${variable('B')}"`);
    const issuer = configOf(text, { A: 'true', B: '5' }).issuers.get('app');
    assert.deepEqual([issuer?.require, issuer?.rolesClaim], [['true'], '5']);
    const route = `routes: [ { match: { path: / }, auth: app, upstream: http://127.0.0.1:9000, require: { claims: { a: "${variable('A')}" } } } ]`;
    const rules = configOf(file('', route).replace('upstream: http://127.0.0.1:9000\n', ''), { A: 'true' })
      .routes[0]?.require;
    assert.deepEqual(rules?.claims, [{ claim: 'a', kind: 'one-of', values: ['true'] }]);
  });
});
