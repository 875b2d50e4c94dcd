import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { Journal } from '../../src/revocation/journal.ts';
import type { Revocation } from '../../src/revocation/revocation.ts';
import { eventually, silentLog } from '../support/gateway.ts';
import { revocationOf } from './support.ts';

/** From here on each write puts half of its bytes on the disk and fails. */
async function fullDisk(path: string) {
  const handle = await openFile(path);
  const kind = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { write } = kind;
  return mock.method(
    kind,
    'write',
    async function (this: FileHandle, bytes: Buffer, from: number, length: number, at: number) {
      await Reflect.apply(write, this, [bytes, from, length >> 1, at]);
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    },
  );
}

describe('the journal', () => {
  let folder: string;
  let path: string;
  let open: Journal[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    path = join(folder, 'state', 'revocations.log');
    open = [];
  });
  afterEach(async () => {
    for (const journal of open) await journal.close();
    rmSync(folder, { recursive: true });
  });

  const start = async () => {
    const journal = new Journal(join(folder, 'state'), silentLog, 100_000);
    open.push(journal);
    const revocations: Revocation[] = [];
    const { damaged, torn } = await journal.open((one) => revocations.push(one));
    return { journal, loaded: { revocations, damaged, torn } };
  };
  /** Writes these users and ends. */
  const keep = async (...users: string[]): Promise<void> => {
    const { journal } = await start();
    await journal.append(users.map((sub) => revocationOf({ sub })));
    await journal.close();
  };
  const users = async (): Promise<(string | undefined)[]> =>
    (await start()).loaded.revocations.map(({ sub }) => sub);

  test('makes its folder and its file for its user only', async () => {
    const { loaded } = await start();
    assert.deepEqual(loaded, { revocations: [], damaged: [], torn: false });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder, 'state')).mode & 0o777, 0o700);
  });

  test('yields the appended revocations, to the last digit', async () => {
    const { journal } = await start();
    const revocations = [
      revocationOf({ issuer: 'main', sub: 'zoë\n', sid: 'x', application: 'a' }),
      revocationOf({ jti: 'j', before: Number.POSITIVE_INFINITY, expiresAt: Number.POSITIVE_INFINITY }),
    ];
    await journal.append(revocations.slice(0, 1));
    await journal.append(revocations.slice(1));
    // Not closed: confirmed revocations are in the file.
    assert.deepEqual((await start()).loaded.revocations, revocations);
  });

  test('writes concurrent appends together, each confirmed', async () => {
    const { journal } = await start();
    const names = Array.from({ length: 100 }, (_, index) => `user ${index}`);
    await Promise.all(names.map((sub) => journal.append([revocationOf({ sub })])));
    assert.deepEqual(await users(), names);
  });

  test('skips a line that was cut at any place, and goes on', async () => {
    await keep('a', 'b');
    const whole = readFileSync(path);
    const start2 = whole.lastIndexOf(10, whole.length - 2) + 1;
    for (let length = start2 + 1; length < whole.length; length += 7) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      const { journal, loaded } = await start();
      assert.deepEqual([loaded.torn, loaded.damaged.length, loaded.revocations.length], [true, 0, 1]);
      await journal.append([revocationOf({ sub: 'c' })]);
      await journal.close();
      assert.deepEqual(await users(), ['a', 'c']);
    }
  });

  test('leaves nothing of a cut line after a shorter one', async () => {
    await keep('a', 'b'.repeat(500));
    truncateSync(path, statSync(path).size - 20);
    await keep('c');
    assert.deepEqual((await start()).loaded, {
      revocations: [revocationOf({ sub: 'a' }), revocationOf({ sub: 'c' })],
      damaged: [],
      torn: false,
    });
  });

  test('names damaged lines, yields the others, sets the file aside and is rewritten', async () => {
    await keep('a', 'b', 'c');
    const bytes = readFileSync(path);
    const at = bytes.indexOf('"sub":"b"') + 7;
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(path, bytes);
    const { journal, loaded } = await start();
    assert.deepEqual(loaded.damaged, [3]);
    assert.deepEqual(
      loaded.revocations.map(({ sub }) => sub),
      ['a', 'c'],
    );
    journal.keeps(
      () => loaded.revocations,
      () => loaded.revocations.length,
    );
    await eventually(
      () => readFileSync(path, 'utf8').split('\n').length,
      (lines) => lines === 4,
    );
    await journal.append([revocationOf({ sub: 'd' })]);
    assert.equal(readFileSync(journal.damagedPath, 'utf8'), `${bytes.toString().split('\n')[2]}\n`);
    assert.equal(await journal.hasDamage(), true);
    await journal.close();
    assert.deepEqual((await start()).loaded.damaged, []);
    assert.deepEqual(await users(), ['a', 'c', 'd']);
    unlinkSync(journal.damagedPath);
    assert.equal(await journal.hasDamage(), false);
  });

  test('treats a file of another form as damaged', async () => {
    await keep('a');
    writeFileSync(path, `something else\n${readFileSync(path, 'utf8').split('\n')[1]}\n`);
    const { loaded } = await start();
    assert.deepEqual([loaded.damaged, loaded.revocations.length], [[1], 1]);
  });

  test('is rewritten when most of it has ended, and loses no append meanwhile', async () => {
    const { journal } = await start();
    const live = Array.from({ length: 2_000 }, (_, index) => revocationOf({ sub: `live ${index}` }));
    journal.keeps(
      () => live,
      () => live.length,
    );
    await journal.append(live);
    for (let index = 0; index < 4_000; index += 1) {
      const more = revocationOf({ sub: 'again and again' });
      if (index === 3_500) live.push(more);
      if (index % 500 === 0) await journal.append([more]);
      else void journal.append([more]);
    }
    const late = Array.from({ length: 50 }, (_, index) => revocationOf({ sub: `late ${index}` }));
    for (const revocation of late) {
      live.push(revocation);
      await journal.append([revocation]);
    }
    const size = await eventually(
      () => readFileSync(path, 'utf8').split('\n').length,
      (lines) => lines < 4_000,
    );
    assert.ok(size > 2_000);
    await journal.append([revocationOf({ sub: 'after' })]);
    await journal.close();
    const kept = new Set(await users());
    for (const { sub } of [...live, { sub: 'after' }]) assert.ok(kept.has(sub), sub);
  });

  test('reports a failing disk, keeps the revocation, and saves it when it can', async () => {
    const { journal } = await start();
    await journal.append([revocationOf({ sub: 'a' })]);
    const full = await fullDisk(path);
    await assert.rejects(journal.append([revocationOf({ sub: 'b' })]), { code: 'ENOSPC' });
    assert.equal(journal.lastError, 'ENOSPC');
    await assert.rejects(journal.append([]), { code: 'ENOSPC' });
    full.mock.restore();
    journal.retry();
    await eventually(
      () => journal.lastError,
      (error) => error === undefined,
    );
    assert.deepEqual(await users(), ['a', 'b']);
  });

  test('goes on with the present file when it can neither be rewritten nor the attempt be removed', async () => {
    const { journal } = await start();
    // As on a disk that has become read-only: the name can be neither opened nor removed.
    mkdirSync(`${path}.new`);
    journal.keeps(
      () => [],
      () => 0,
    );
    for (let times = 0; times < 3; times += 1) {
      await journal.append(Array.from({ length: 600 }, (_, index) => revocationOf({ sub: `${index}` })));
    }
    await journal.close();
    rmSync(`${path}.new`, { recursive: true });
    assert.equal((await users()).length, 1_800);
  });

  test('confirms nothing into a new file whose name may not be on the disk', async () => {
    const { journal } = await start();
    journal.keeps(
      () => [],
      () => 0,
    );
    const handle = await openFile(path);
    const kind = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    let refused = 0;
    const sync = mock.method(kind, 'sync', () => {
      refused += 1;
      return Promise.reject(Object.assign(new Error('broken'), { code: 'EIO' }));
    });
    // Saved in the old file, which is then replaced.
    await journal.append(Array.from({ length: 1_200 }, () => revocationOf({ sub: 'a' })));
    await eventually(
      () => journal.lastError,
      (error) => error === 'EIO',
    );
    await assert.rejects(journal.append([revocationOf({ sub: 'b' })]), { code: 'EIO' });
    assert.equal(refused, 2);
    sync.mock.restore();
    await journal.append([revocationOf({ sub: 'c' })]);
    assert.equal(journal.lastError, undefined);
    assert.deepEqual(await users(), ['b', 'c']);
  });

  test('confirms nothing into a file that was removed, and rewrites it', async () => {
    const { journal } = await start();
    const live = [revocationOf({ sub: 'a' })];
    journal.keeps(
      () => live,
      () => live.length,
    );
    await journal.append(live);
    unlinkSync(path);
    live.push(revocationOf({ sub: 'b' }));
    await assert.rejects(journal.append(live.slice(1)), /removed/);
    await eventually(
      () => {
        journal.retry();
        return journal.lastError;
      },
      (error) => error === undefined,
    );
    assert.deepEqual(new Set(await users()), new Set(['a', 'b']));
  });

  test('confirms nothing into a file that another process writes, whose lines stay', async () => {
    const [{ journal: one }, { journal: other }] = [await start(), await start()];
    await one.append([revocationOf({ sub: 'a' })]);
    await assert.rejects(other.append([revocationOf({ sub: 'b' })]), /another process/);
    assert.match(other.lastError ?? '', /another process/);
    await one.append([revocationOf({ sub: 'c' })]);
    assert.deepEqual(await users(), ['a', 'c']);
  });

  test('removes the remains of an interrupted rewrite', async () => {
    await keep('a');
    appendFileSync(`${path}.new`, 'half');
    assert.deepEqual(await users(), ['a']);
    assert.throws(() => statSync(`${path}.new`), { code: 'ENOENT' });
  });
});
