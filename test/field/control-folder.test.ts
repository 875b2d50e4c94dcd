// Source: an operator's report: the folder of the control socket stays in /tmp when the gateway has ended.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Stand, until } from '../process/stand.ts';

const config = { upstream: 'http://127.0.0.1:9', auth: 'none', listeners: 1 };

/** Whether a process of the group lives; workers end by themselves when their supervisor is gone. */
function isGroup(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

describe('the folder of the control socket', () => {
  let temporary: string;
  let folder: string;
  beforeEach(() => {
    temporary = mkdtempSync(join(tmpdir(), 'portcullis-'));
    folder = join(temporary, `portcullis-${process.getuid?.()}`);
  });
  afterEach(() => rmSync(temporary, { recursive: true }));

  /** Without a folder of the service manager or of a session. */
  const started = async (): Promise<Stand> => {
    const stand = await Stand.start(config, { env: { TMPDIR: temporary, XDG_RUNTIME_DIR: '' } });
    await stand.program.printed(/"message":"ready"/);
    assert.ok(existsSync(join(folder, `${stand.pid}.sock`)));
    return stand;
  };

  test('is removed with the last gateway in it, and not before', async () => {
    const first = await started();
    const second = await started();
    try {
      assert.equal((await first.stop()).code, 0);
      assert.deepEqual(readdirSync(folder), [`${second.pid}.sock`]);
    } finally {
      assert.equal((await second.stop()).code, 0);
    }
    assert.deepEqual(readdirSync(temporary), []);
  });

  test('is removed also with the socket of a gateway that was killed', async () => {
    const killed = await started();
    process.kill(killed.pid, 'SIGKILL');
    await killed.program.ended;
    await until(
      () => isGroup(killed.pid),
      (lives) => !lives,
    );
    await killed.stop();
    assert.deepEqual(readdirSync(folder), [`${killed.pid}.sock`]);
    assert.equal((await (await started()).stop()).code, 0);
    assert.deepEqual(readdirSync(temporary), []);
  });

  test('stays when it has foreign files', async () => {
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, 'note'), '');
    assert.equal((await (await started()).stop()).code, 0);
    assert.deepEqual(readdirSync(folder), ['note']);
  });
});
