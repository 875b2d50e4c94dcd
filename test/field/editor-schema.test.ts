// Source: a newcomer with an editor: typos in algorithms, two sources of keys and the forms of paths and URLs were not caught.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { jsonSchema } from '../../src/config/schema/schema.ts';
import { run } from '../cli/program.ts';
import { faultsOf } from '../config/check.ts';

const validate = new Ajv2020({ strict: false, unicodeRegExp: true }).compile(jsonSchema());

const base = {
  algorithms: '[RS256]',
  keys: '{ pem: public-key.pem }',
  server: 'http://127.0.0.1:9000',
  path: '/orders',
  more: '',
};
const file = (changes: Partial<typeof base> = {}): string => {
  const { algorithms, keys, server, path, more } = { ...base, ...changes };
  return `listen: 127.0.0.1:8080
issuers: { app: { issuer: https://idp, audience: api, algorithms: ${algorithms}, keys: ${keys} } }
upstreams: { app: { servers: ["${server}"] } }
routes: [{ match: { path: ${path} }, auth: app, upstream: app }]
${more}
`;
};

describe('the printed schema agrees with check', () => {
  for (const [what, changes] of [
    ['the usual', {}],
    ['a path by its letters', { path: '{ literal: "/a*" }' }],
    ['a real path with $', { path: '/Patient/$everything' }],
    ['several algorithms', { algorithms: '[RS256, PS256]' }],
    ['a server with a slash', { server: 'http://my_app:9000/' }],
    ['a listener count', { more: 'listeners: 2' }],
  ] as const) {
    test(`${what}: right`, () => {
      assert.deepEqual(faultsOf(file(changes)), []);
      assert.ok(validate(parse(file(changes))), JSON.stringify(validate.errors));
    });
  }

  for (const [what, changes] of [
    ['a typo in an algorithm', { algorithms: '[RS265]' }],
    ['no algorithm', { algorithms: '[none]' }],
    ['two sources of keys', { keys: '{ pem: public-key.pem, jwks: https://idp/jwks.json }' }],
    ['no source of keys', { keys: '{ timeout: 1s }' }],
    ['a key of another program', { keys: '{ jwks_uri: https://idp/jwks.json }' }],
    ['a pattern', { path: '"/admin/*"' }],
    ['a parameter of a path', { path: '"/users/{id}"' }],
    ['a path without slash', { path: 'orders' }],
    ['a server without scheme', { server: '127.0.0.1:9000' }],
    ['a server with a path', { server: 'http://127.0.0.1:9000/api' }],
    ['a word for a number', { more: 'listeners: two' }],
    ['an unknown key', { more: 'stats: 1' }],
    ['a wrong unit', { more: 'cache: { bytes: 1GB }' }],
    ['a word of none', { more: 'rejection: nginx' }],
  ] as const) {
    test(`${what}: wrong`, () => {
      assert.notDeepEqual(faultsOf(file(changes)), []);
      assert.equal(validate(parse(file(changes))), false);
    });
  }

  test('values from the environment are left to check', () => {
    const variable = (name: string): string => `"$${'{'}${name}}"`;
    const text = file({ algorithms: `[${variable('ALG')}]`, path: variable('PATH_OF') });
    assert.ok(validate(parse(text)), JSON.stringify(validate.errors));
    assert.deepEqual(faultsOf(text, { ALG: 'RS256', PATH_OF: '/a' }), []);
  });
});

describe('the schema ships as a file', () => {
  const root = join(import.meta.dirname, '..', '..', '..');
  /** The schema in the first line of a file, relative to the folder of the file. */
  const namedBy = (text: string, folder: string): URL => {
    const [, target = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
    return new URL(target, pathToFileURL(`${folder}/`));
  };

  test('equal to the output of the command', async () => {
    const { code, stdout, stderr } = await run(['schema']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(readFileSync(join(root, 'portcullis.schema.json'), 'utf8'), stdout);
  });

  test('and named by the commented example and the printed configuration of the demo', async () => {
    const example = readFileSync(join(root, 'scripts', 'portcullis.example.yaml'), 'utf8');
    const { stdout } = await run(['demo', '--print-config']);
    for (const schema of [namedBy(example, join(root, 'scripts')), namedBy(stdout, '/nowhere')]) {
      assert.equal(
        readFileSync(schema, 'utf8'),
        readFileSync(join(root, 'portcullis.schema.json'), 'utf8'),
        schema.href,
      );
    }
  });
});
