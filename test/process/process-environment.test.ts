import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { processEnvironment } from '../../src/process/process-environment.ts';
import { systemdNotifier } from '../../src/process/systemd/notifier.ts';
import { silentLog } from '../support/gateway.ts';

const SECRET = 'a-secret-that-no-program-needs-to-know';

test('a process takes a fixed list from the environment, and nothing else', () => {
  const env = { NODE_OPTIONS: '--max-old-space-size=512', NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '1', ANY: 'x' };
  const { PATH, ...rest } = processEnvironment(env);
  assert.deepEqual(rest, { NODE_OPTIONS: '--max-old-space-size=512' });
  assert.ok(PATH?.split(':').every((folder) => folder.startsWith('/')));
});

test('the program that notifies systemd gets the socket and a PATH, and nothing else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const seen = join(folder, 'seen');
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\n/usr/bin/env >'${seen}'\n`, { mode: 0o755 });
  const notifier = systemdNotifier(
    { NOTIFY_SOCKET: '/nowhere', REVOCATION_SECRET: SECRET },
    silentLog,
    folder,
  );
  notifier?.stopping();
  await notifier?.close();
  const names = readFileSync(seen, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('=')[0]);
  // The shell itself sets PWD, OLDPWD, SHLVL and _.
  assert.deepEqual(names.filter((name) => !/^(PWD|OLDPWD|SHLVL|_)$/.test(name ?? '')).sort(), [
    'NOTIFY_SOCKET',
    'PATH',
  ]);
});
