import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { configOf, faultsOf, fixtures } from './check.ts';

const rest = 'listen: 127.0.0.1:1\nauth: none\nupstream: http://h\n';

describe('admin', () => {
  test('is an address, or an address with its host names', () => {
    const admin = (text: string): unknown => configOf(`admin: ${text}\n${rest}`).admin;
    assert.deepEqual(admin('0.0.0.0:9'), { host: '0.0.0.0', port: 9, hosts: [] });
    assert.deepEqual(admin('{ address: "[::1]:9" }'), { host: '::1', port: 9, hosts: [] });
    assert.deepEqual(admin('{ address: 10.0.0.1:9, hosts: [Gateway.internal, "[2001:DB8::1]", 10.9.9.9] }'), {
      host: '10.0.0.1',
      port: 9,
      hosts: ['gateway.internal', '2001:db8::1', '10.9.9.9'],
    });
    assert.deepEqual(admin('unix:/run/admin.sock'), { path: '/run/admin.sock', hosts: [] });
    assert.deepEqual(admin('{ address: "unix:../admin.sock", hosts: [a] }'), {
      path: join(fixtures, '..', 'admin.sock'),
      hosts: ['a'],
    });
    assert.deepEqual(admin('{ hosts: [a] }'), { host: '127.0.0.1', port: 9090, hosts: ['a'] });
  });

  for (const [text, fault] of [
    ['{ adress: 127.0.0.1:9 }', 'f:1:10: admin.adress: is not a known key; must be address if that is meant'],
    ['{ address: 9 }', /^f:1:19: admin\.address: is a number; must be an address such as /],
    ['{ hosts: gateway }', /^f:1:17: admin\.hosts: does not fit; must be a list of names such as /],
    ['{ hosts: [] }', /^f:1:17: admin\.hosts: is an empty list; must be a list of names such as /],
    [
      '{ hosts: ["gateway:9090"] }',
      /^f:1:18: admin\.hosts\[0\]: does not fit; must be a host name .* without port$/,
    ],
    ['{ hosts: ["*"] }', /^f:1:18: admin\.hosts\[0\]: does not fit; must be a host name /],
    [
      `{ hosts: [${Array.from({ length: 65 }, (_, n) => `h${n}`)}] }`,
      /: has too many names; must be at most 64$/,
    ],
    ['{ address: 127.0.0.1:1 }', /^f:1:8: admin: is an address of listen too; must be another/],
  ] as const) {
    test(`refuses ${text.slice(0, 40)}`, () => {
      const faults = faultsOf(`admin: ${text}\n${rest}`);
      assert.equal(faults.length, 1, faults.join('\n'));
      if (typeof fault === 'string') assert.equal(faults[0], fault);
      else assert.match(String(faults[0]), fault);
    });
  }
});

describe('admin.secret', () => {
  const admin = (text: string): string => `admin: ${text}\n${rest}`;

  test('is long, and comes from the environment too', () => {
    const secret = 's'.repeat(32);
    assert.equal(configOf(admin(`{ secret: "\${S}" }`), { S: secret }).admin.secret, secret);
    assert.equal('secret' in configOf(admin('{ address: 127.0.0.1:9 }')).admin, false);
    for (const [text, fault] of [
      [
        `{ secret: ${secret.slice(1)} }`,
        /admin\.secret: is short enough to be guessed; must be 32 to 512 visible/,
      ],
      [`{ secret: "${secret} x" }`, /admin\.secret: does not fit; must be 32 to 512 visible/],
      ['{ secret: "" }', /admin\.secret: is empty; must be 32 to 512 visible/],
    ] as const) {
      const faults = faultsOf(admin(text));
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] as string, fault);
    }
  });
});

describe('uws', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'own.node');
  writeFileSync(file, 'bytes');
  const sha256 = createHash('sha256').update('bytes').digest('hex');

  test('names a file and its SHA-256', () => {
    assert.deepEqual(configOf(`uws: { file: ${file}, sha256: ${sha256} }\n${rest}`).uws, { file, sha256 });
    assert.equal(configOf(rest).uws, undefined);
  });

  for (const [text, fault] of [
    [`{ file: ${file} }`, /: uws\.sha256: is missing; must be the SHA-256 of the file/],
    [`{ sha256: ${sha256} }`, /: uws\.file: is missing; must be the path to a binary/],
    [
      `{ file: ${file}, sha256: ${'f'.repeat(64)} }`,
      new RegExp(`: uws\\.sha256: is not that of the file; must be ${sha256} if`),
    ],
    [
      `{ file: ${file}, sha256: abc }`,
      /: uws\.sha256: does not fit; must be the SHA-256 of the file, 64 hexadecimal digits/,
    ],
    [
      `{ file: ./nowhere.node, sha256: ${sha256} }`,
      /: uws\.file: cannot be read \(ENOENT\); must be a readable file/,
    ],
    [
      `{ file: ${folder}, sha256: ${sha256} }`,
      /: uws\.file: cannot be read \(EISDIR\); must be a readable file/,
    ],
  ] as const) {
    test(`refuses ${text.replace(folder, '').slice(0, 50)}`, () => {
      const faults = faultsOf(`uws: ${text}\n${rest}`);
      assert.ok(
        faults.some((one) => fault.test(one)),
        faults.join('\n'),
      );
    });
  }
});
