import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { memoryOf } from './memory.ts';
import { readMemory } from './memory-reading.ts';
import { Watch } from './watch.ts';

/** Makes 16 MiB of garbage at `g`, and keeps 16 MiB at `k`; replies with one byte. */
const PROGRAM = `
  const kept = [];
  process.stdin.on('data', (what) => {
    for (let at = 0; at < 16; at += 1) {
      const piece = new Uint8Array(1024 * 1024).fill(at);
      if (String(what) === 'k') kept.push(piece);
    }
    process.stdout.write('.');
  });
  process.stdout.write('.');`;

test('a reading of memory has what a program keeps, and no garbage', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  const probe = new URL('memory-probe.js', import.meta.url).href;
  const args = [`--import=${probe}?folder=${encodeURIComponent(folder)}`, '--eval', PROGRAM];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    const pid = child.pid as number;
    const readings: number[] = [];
    for (const what of ['', 'g', 'k']) {
      if (what !== '') {
        child.stdin.write(what);
        await once(child.stdout, 'data');
      }
      readings.push((await readMemory(folder, pid))?.live ?? Number.NaN);
    }
    const [before = 0, garbage = 0, kept = 0] = readings;
    assert.ok(Math.abs(garbage - before) < 2, `${readings}`);
    assert.ok(kept - garbage > 15, `${readings}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(await readMemory(folder, pid), undefined);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

/** A minute of samples, each of which has this many MiB of one figure more than the last one. */
function watched(figure: 'live' | 'resident', step: number): Watch {
  const watch = new Watch();
  for (let at = 0; at <= 60; at += 2) {
    const sample = { at, live: 20, resident: 100 };
    watch.note(1, { ...sample, [figure]: sample[figure] + (step * at) / 2 });
  }
  return watch;
}

test('growth is a fault from the bound of its figure on', () => {
  const judged = { name: 'worker', pid: 1, span: { from: 30, to: 60 } };
  const faultsOf = (figure: 'live' | 'resident', step: number) =>
    memoryOf(watched(figure, step), judged).faults;
  assert.deepEqual(faultsOf('live', 0.5), []);
  assert.deepEqual(faultsOf('live', 0.6), ['worker grew by 9.0 MiB (live) from second 30 to 60']);
  assert.deepEqual(faultsOf('resident', 2), []);
  assert.deepEqual(faultsOf('resident', 2.2), ['worker grew by 33.0 MiB (resident) from second 30 to 60']);
  assert.deepEqual(memoryOf(watched('live', 0), { ...judged, pid: 2 }).faults, [
    'worker did not live long enough for its memory to be judged',
  ]);
});
