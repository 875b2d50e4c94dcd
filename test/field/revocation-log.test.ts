// Source: an adversarial review: one damaged line or a full disk, after which the log of revocations only grew.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { page } from '../keysets/fetched-gateway.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { revocation, revoke } from '../support/revocation.ts';

describe('the log of revocations', () => {
  let root = '';
  let file = '';
  let running: TestGateway | undefined;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'portcullis-'));
    file = join(root, 'state', 'revocations.log');
  });
  afterEach(async () => {
    mock.restoreAll();
    await stop();
    rmSync(root, { recursive: true });
  });

  const start = async (): Promise<TestGateway> => {
    running = await startGateway({ upstreamPort: 1, config: { state: join(root, 'state'), revocation } });
    return running;
  };
  const stop = async (): Promise<void> => {
    await running?.close();
    running = undefined;
  };
  const status = async ({ adminPort }: TestGateway, sub: string): Promise<number> =>
    (await revoke(adminPort, { issuer: 'test', sub })).status;
  /** Ten thousand lines about the same few users, each later than the one before. */
  const repeat = async ({ adminPort }: TestGateway, from: number): Promise<number> => {
    const many = Array.from({ length: 10_000 }, (_, index) => ({
      issuer: 'test',
      sub: `user ${index % 10}`,
      sid: 'x'.repeat(20),
      before: from + index,
    }));
    return (await revoke(adminPort, many)).status;
  };
  const inForce = async (gateway: TestGateway): Promise<number> =>
    (JSON.parse((await page(gateway, '/status')).body) as { revocations: { entries: number } }).revocations
      .entries;

  test('is rewritten despite a damaged line, which is set aside and reported until it is removed', async () => {
    const first = await start();
    for (const sub of ['alice', 'bob', 'clara']) assert.equal(await status(first, sub), 200);
    await stop();
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('"bob"', '"bod"'));
    const second = await start();
    const troubles = (await page(second, '/readyz')).body;
    assert.match(troubles, /revocations\.damaged holds lines that could not be read/);
    assert.equal(await repeat(second, 1), 200);
    await eventually(
      () => statSync(file).size,
      (size) => size < 10_000,
    );
    assert.match(readFileSync(`${file.replace(/log$/, 'damaged')}`, 'utf8'), /^\S+ \{.*"bod".*\}\n$/);
    await stop();
    const third = await start();
    assert.equal(await inForce(third), 12);
    assert.match((await page(third, '/readyz')).body, /revocations\.damaged/);
    unlinkSync(file.replace(/log$/, 'damaged'));
    await eventually(
      async () => (await page(third, '/readyz')).body,
      (body) => !body.includes('damaged'),
    );
  });

  test('sets aside a bounded part of a file that is all damage', async () => {
    await start();
    await stop();
    const line = `${'0'.repeat(16)} ${'junk '.repeat(1_000)}`;
    const lines = Array.from({ length: 2_000 }, (_, index) => `${index} ${line}\n`);
    writeFileSync(file, readFileSync(file, 'utf8') + lines.join('') + 'y'.repeat(100_000));
    const gateway = await start();
    assert.equal(await status(gateway, 'alice'), 200);
    await eventually(
      () => statSync(file).size,
      (size) => size < 10_000,
    );
    assert.ok(statSync(file.replace(/log$/, 'damaged')).size <= 1024 * 1024);
    await stop();
    assert.equal(await inForce(await start()), 1);
  });

  test('costs bounded memory while the disk is full, and holds everything in force afterwards', async () => {
    const gateway = await start();
    const handle = await open(file);
    const kind = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    let most = 0;
    const full = mock.method(kind, 'write', (bytes: Buffer) => {
      most = Math.max(most, bytes.length);
      return Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    });
    for (let times = 0; times < 8; times += 1) {
      assert.equal(await repeat(gateway, 1 + times * 10_000), 503);
    }
    assert.ok(most < 8 * 1024 * 1024, `${most} bytes in one write`);
    assert.match((await page(gateway, '/readyz')).body, /could not be saved \(ENOSPC\)/);
    full.mock.restore();
    await eventually(
      async () => (await page(gateway, '/readyz')).body,
      (body) => !body.includes('could not be saved'),
    );
    assert.equal(await status(gateway, 'zoe'), 200);
    assert.ok(statSync(file).size < 10_000);
    await stop();
    const next = await start();
    assert.equal(await inForce(next), 11);
    assert.match(readFileSync(file, 'utf8'), /"before":80000,/);
  });
});
