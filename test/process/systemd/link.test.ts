import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Supervisor } from '../../../src/process/supervisor.ts';
import { SystemdLink } from '../../../src/process/systemd/link.ts';
import { silentLog } from '../../support/gateway.ts';

test('a reload that ends while all stops does not tell that all is ready', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const told = join(folder, 'told');
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$1" >>'${told}'\n`, { mode: 0o755 });
  const figures = { requests: [], connections: 0, cacheEntries: 0 };
  const supervisor = {
    config: { listeners: 1 },
    isWell: true,
    view: {
      gather: async () => ({ figures, workers: [] }),
      configuration: () => ({ lastReload: undefined }),
    },
  } as unknown as Supervisor;
  const link = new SystemdLink({ NOTIFY_SOCKET: '/nowhere' }, silentLog, () => supervisor, folder);
  link.ready();
  link.reloading();
  link.stopping();
  link.ready();
  link.reloading();
  await link.close();
  const words = readFileSync(told, 'utf8').trim().split('\n');
  // A word that is newer than one of its kind which has not been told yet takes its place.
  assert.equal(words.filter((word) => word === 'READY=1').length, 1);
  assert.equal(words.filter((word) => word === 'RELOADING=1').length, 1);
  assert.ok(words.includes('STOPPING=1'));
});
