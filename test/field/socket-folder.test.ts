// Source: an adversarial review: files of the gateway in folders that others may write, here that of its socket.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startGateway } from '../support/gateway.ts';

describe('the folder of a unix socket', () => {
  let folder = '';
  before(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'portcullis-')), 'run');
    mkdirSync(folder);
  });
  after(() => rmSync(join(folder, '..'), { recursive: true }));

  const listen = async (mode: number): Promise<boolean> => {
    chmodSync(folder, mode);
    const path = join(folder, 'gateway.sock');
    const gateway = await startGateway({ upstreamPort: 1, config: { listen: [{ path }] } });
    const isThere = existsSync(path);
    await gateway.close();
    return isThere;
  };

  test('may be a group’s, as that of a proxy in front, and one like /tmp', async () => {
    for (const mode of [0o755, 0o2775, 0o1777]) assert.equal(await listen(mode), true);
  });

  test('is refused where every user could replace the socket', async () => {
    for (const mode of [0o777, 0o703]) {
      await assert.rejects(
        listen(mode),
        /cannot listen on unix:\S+: everybody may write in its folder; chmod o-w/,
      );
    }
  });
});
