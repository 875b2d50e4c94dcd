import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-import-'));
after(() => rmSync(folder, { recursive: true }));

const simple = `# the shop
defaults
  mode http
  log global
frontend web
  bind 127.0.0.1:8080
  use_backend admin if { path_beg /admin }
  default_backend shop
# of the shop
backend shop
  server one 127.0.0.1:9000 # the first
backend admin
  server two 127.0.0.1:9001
`;

test('a file is carried over, with its names and comments, and check takes it', async () => {
  const { code, stdout, stderr } = await run(['import', 'haproxy', '-'], { input: simple });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^haproxy\.cfg:4: log global: /);
  for (const comment of ['# the shop', '# of the shop', '# the first'])
    assert.ok(stdout.includes(comment), stdout);
  const file = join(folder, 'portcullis.yaml');
  writeFileSync(file, stdout);
  const checked = await run(['check', file]);
  assert.deepEqual([checked.code, checked.stderr], [0, '']);
});

test('a rule that refuses and cannot be carried over closes its route, and the exit code is 1', async () => {
  const rule = '  http-request deny if { path_beg /admin } !{ src 10.0.0.0/8 }\n';
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, simple.replace('  use_backend', `${rule}  use_backend`));
  const { code, stdout, stderr } = await run(['import', 'haproxy', file]);
  assert.equal(code, 1);
  assert.match(stdout, /# Closed because of \S+:7, .*\n {2}- match: \{ prefix: \/admin \}\n {4}auth: deny/);
  assert.ok(stderr.includes(`${file}:7: http-request deny`), stderr);
});

test('wrong usage, a missing file and nothing to serve', async () => {
  assert.equal((await run(['import', 'haproxy'])).code, 64);
  assert.equal((await run(['import', 'nginx', 'x'])).code, 64);
  assert.equal((await run(['import', 'haproxy', join(folder, 'missing')])).code, 69);
  const { code, stdout } = await run(['import', 'haproxy', '-'], { input: 'defaults\n  mode tcp\n' });
  assert.deepEqual([code, stdout], [1, '']);
});
