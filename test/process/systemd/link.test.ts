import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { addFigures } from '../../../src/admin/figures.ts';
import { type Supervised, SystemdLink } from '../../../src/process/systemd/link.ts';
import { silentLog } from '../../support/gateway.ts';

test('a reload that ends during the stop does not report readiness', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const told = join(folder, 'told');
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$1" >>'${told}'\n`, { mode: 0o755 });
  const supervisor: Supervised = {
    isWell: true,
    gateway: {
      config: { listeners: 1 },
      view: {
        gather: async () => ({ figures: addFigures([]), workers: [], workerDeaths: 0, engines: [] }),
        configuration: () => ({ file: undefined, loadedAt: 0, lastReload: undefined }),
      },
    },
  };
  const link = new SystemdLink({ NOTIFY_SOCKET: '/nowhere' }, silentLog, () => supervisor, folder);
  link.ready();
  link.reloading();
  link.stopping();
  link.ready();
  link.reloading();
  await link.close();
  const sent = readFileSync(told, 'utf8').trim().split('\n');
  // A newer state replaces one of its kind that has not been sent yet.
  assert.equal(sent.filter((line) => line === 'READY=1').length, 1);
  assert.equal(sent.filter((line) => line === 'RELOADING=1').length, 1);
  assert.ok(sent.includes('STOPPING=1'));
});
