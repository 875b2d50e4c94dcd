import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { Journal } from '../../src/revocation/journal.ts';
import { RevocationStore } from '../../src/revocation/store.ts';
import { silentLog } from '../support/gateway.ts';
import { FixedClock, marksOf, NOW, newList, revocationOf } from './support.ts';

describe('the revocation store', () => {
  let folder: string;
  const clock = new FixedClock();
  beforeEach(() => {
    clock.seconds = NOW;
    folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const open = async () => {
    const list = newList();
    const store = new RevocationStore({
      list,
      journal: new Journal(folder, silentLog, 1_000),
      clock,
      log: silentLog,
    });
    await store.open();
    return { list, store };
  };

  test('puts a revocation in force at once, and confirms it when it is on the disk', async () => {
    const first = await open();
    const accepted = first.store.accept([revocationOf({ sub: 's' })], 'admin');
    assert.equal(first.list.cover(marksOf({ sub: 's' })), true);
    assert.equal(await accepted, 'done');
    assert.match(readFileSync(join(folder, 'revocations.log'), 'utf8'), /"sub":"s"/);
    const second = await open();
    assert.equal(second.list.cover(marksOf({ sub: 's' })), true);
    assert.deepEqual(second.store.span(), { oldest: NOW, newest: NOW });
    await first.store.close();
    await second.store.close();
  });

  test('does not confirm a revocation that the disk did not take, though it is in force', async () => {
    class FullDisk extends Journal {
      override append(): Promise<void> {
        return Promise.reject(new Error('no space'));
      }
    }
    const list = newList();
    const store = new RevocationStore({
      list,
      journal: new FullDisk(folder, silentLog, 1_000),
      clock,
      log: silentLog,
    });
    assert.equal(await store.accept([revocationOf({ sub: 's' })], 'admin'), 'unsaved');
    assert.equal(list.cover(marksOf({ sub: 's' })), true);
  });

  test('drops ended revocations when it starts', async () => {
    const first = await open();
    await first.store.accept(
      [revocationOf({ sub: 's' }), revocationOf({ sub: 't', expiresAt: NOW + 7_200 })],
      'admin',
    );
    await first.store.close();
    clock.seconds = NOW + 3_600;
    const second = await open();
    assert.deepEqual(
      Array.from(second.list.all(), ({ sub }) => sub),
      ['t'],
    );
    await second.store.close();
  });

  test('forgets nothing by a clock that is set forward, as long as it may be set back', async () => {
    class SteppedClock extends FixedClock {
      passed = 0;
      override monotonic(): number {
        return this.passed * 1000;
      }
    }
    mock.timers.enable({ apis: ['setInterval'] });
    const stepped = new SteppedClock();
    const list = newList();
    const store = new RevocationStore({ list, journal: undefined, clock: stepped, log: silentLog });
    await store.open();
    const pass = (seconds: number, step = 0): void => {
      stepped.passed += seconds;
      stepped.seconds += seconds + step;
      mock.timers.tick(1_000);
    };
    await store.accept([revocationOf({ sub: 's' })], 'admin');
    pass(1);
    pass(1, 86_400);
    for (let minute = 0; minute < 9; minute += 1) pass(60);
    assert.equal(list.cover(marksOf({ sub: 's' })), true);
    pass(120);
    assert.equal(list.cover(marksOf({ sub: 's' })), false);
    mock.timers.reset();
    await store.close();
  });

  test('writes no line for a revocation that is in force already', async () => {
    const { store } = await open();
    for (let times = 0; times < 3; times += 1) await store.accept([revocationOf({ sub: 's' })], 'admin');
    await store.close();
    assert.equal(readFileSync(join(folder, 'revocations.log'), 'utf8').split('\n').length, 3);
  });

  test('starts with the readable part of a damaged file, and reports it', async () => {
    const first = await open();
    await first.store.accept([revocationOf({ sub: 's' }), revocationOf({ sub: 't' })], 'admin');
    await first.store.close();
    const path = join(folder, 'revocations.log');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"sub":"s"', '"sub":"x"'));
    const { list, store } = await open();
    assert.equal(list.cover(marksOf({ sub: 't' })), true);
    assert.equal(list.cover(marksOf({ sub: 'x' })), false);
    assert.match(
      store.troubles().join(),
      /^\S+revocations\.damaged holds lines that could not be read, so what they revoked is valid again: /,
    );
    await store.close();
  });
});
