// Source: an operator's report: the configuration that the demo runs with can be neither seen nor saved.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { demoIdentity } from '../../src/demo/identity.ts';
import { run } from '../cli/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'portcullis.yaml');

test('demo --print-config prints a file that check accepts, and starts nothing', async () => {
  const ports = ['--port', '8081', '--issuer-port', '9012', '--admin-port', '9091'];
  const { code, stdout, stderr } = await run(['demo', '--print-config', ...ports]);
  assert.deepEqual([code, stderr], [0, '']);
  writeFileSync(file, stdout);
  const check = await run(['check', '--strict', '--config', file]);
  assert.deepEqual([check.code, check.stderr], [0, ''], check.stderr);

  const result = parseConfig({ text: stdout, file, folder, env: {} });
  assert.ok(result.ok);
  const { listen, issuers, routes } = result.config;
  assert.deepEqual(listen, [{ host: '127.0.0.1', port: 8081 }]);
  const issuer = issuers.get('fusionauth');
  assert.equal(issuer?.issuer, demoIdentity.issuer);
  assert.deepEqual(issuer?.audience, [demoIdentity.applicationId]);
  assert.deepEqual(
    routes.map(({ name }) => name),
    ['/'],
  );
  assert.match(stdout, /jwks: http:\/\/127\.0\.0\.1:9012\//);
  // Things that exist only during the demo are named, each with the key that needs them.
  assert.match(stdout, /^# .*exist only while it runs/m);
  for (const key of ['keys', 'servers']) assert.match(stdout, new RegExp(`^# +${key} `, 'm'));
});

test('its ports are those of the demo without options, and an unknown port is refused', async () => {
  const { stdout } = await run(['demo', '--print-config']);
  for (const port of [8080, 9090, 9011]) assert.match(stdout, new RegExp(`127\\.0\\.0\\.1:${port}\\b`));
  const { code, stderr } = await run(['demo', '--print-config', '--issuer-port', '0']);
  assert.equal(code, 64);
  assert.match(stderr, /^portcullis: .*--issuer-port\n$/);
});
