import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FileOutlet } from '../../src/outlets/file-outlet.ts';
import { MAX_WAITING_BYTES, type OutletEvents } from '../../src/outlets/line-outlet.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
});
after(() => rmSync(folder, { recursive: true }));

function harness(name: string): { file: string; outlet: FileOutlet; told: unknown[] } {
  const told: unknown[] = [];
  const events: OutletEvents = {
    lost: (lines) => told.push(lines),
    failed: (why) => told.push(why),
    recovered: () => {},
  };
  const file = join(folder, name);
  return { file, outlet: new FileOutlet(file, events), told };
}

describe('a file of lines', () => {
  test('grows at its end, and only its owner and group may read it', async () => {
    const { file, outlet, told } = harness('grows');
    const before = process.umask(0);
    try {
      await outlet.open();
    } finally {
      process.umask(before);
    }
    outlet.write('one\n');
    outlet.write('two\n');
    await outlet.reopen();
    outlet.write('three\n');
    await outlet.close();
    assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\nthree\n');
    assert.equal(statSync(file).mode & 0o777, 0o640);
    assert.deepEqual(told, []);
  });

  test('keeps what it had', async () => {
    const { file, outlet } = harness('kept');
    writeFileSync(file, 'before\n');
    await outlet.open();
    outlet.write('one\n');
    await outlet.close();
    assert.equal(readFileSync(file, 'utf8'), 'before\none\n');
  });

  test('gets lines that were written before it was open', async () => {
    const { file, outlet } = harness('early');
    outlet.write('early\n');
    await outlet.open();
    await outlet.close();
    assert.equal(readFileSync(file, 'utf8'), 'early\n');
  });

  test('that was renamed is made again, and each line is in one of both', async () => {
    const { file, outlet } = harness('rotated');
    await outlet.open();
    outlet.write('one\n');
    await outlet.reopen();
    renameSync(file, `${file}.1`);
    outlet.write('two\n');
    await outlet.reopen();
    outlet.write('three\n');
    await outlet.close();
    assert.equal(readFileSync(`${file}.1`, 'utf8') + readFileSync(file, 'utf8'), 'one\ntwo\nthree\n');
    assert.equal(readFileSync(file, 'utf8').includes('three'), true);
    assert.equal(readFileSync(`${file}.1`, 'utf8').includes('one'), true);
  });

  test('that cannot be made again goes on under its other name', async () => {
    const { file, outlet, told } = harness('lost-name');
    await outlet.open();
    renameSync(file, `${file}.1`);
    const inTheWay = join(file, 'x');
    rmSync(file, { force: true });
    const { mkdirSync } = await import('node:fs');
    mkdirSync(inTheWay, { recursive: true });
    await outlet.reopen();
    outlet.write('one\n');
    await outlet.close();
    assert.equal(readFileSync(`${file}.1`, 'utf8'), 'one\n');
    assert.equal(told.length, 1);
    assert.match(String(told[0]), /lost-name cannot be opened: EISDIR$/);
  });

  test('is a file: nothing else is opened', async () => {
    const { file, outlet } = harness('gone/away');
    await assert.rejects(outlet.open(), {
      name: 'StartError',
      message: `the access log ${file} cannot be opened: ENOENT`,
    });
    const device = new FileOutlet('/dev/full', { lost() {}, failed() {}, recovered() {} });
    await assert.rejects(device.open(), {
      name: 'StartError',
      message: 'the access log /dev/full is no file; choose another path',
    });
  });

  test('asks callers to leave lines out when too many wait', async () => {
    const { file, outlet, told } = harness('crowded');
    const line = `${'x'.repeat(1023)}\n`;
    let written = 0;
    while (!outlet.crowded) {
      outlet.write(line);
      written += 1;
    }
    assert.equal(written, MAX_WAITING_BYTES / line.length);
    await outlet.open();
    await outlet.reopen();
    assert.equal(outlet.crowded, false);
    await outlet.close();
    assert.equal(readFileSync(file, 'utf8').length, MAX_WAITING_BYTES);
    assert.deepEqual(told, []);
  });

  test('counts the lines that it still had when it closed unopened', async () => {
    const { outlet, told } = harness('unopened');
    outlet.write('one\n');
    outlet.write('two\n');
    await outlet.close();
    assert.deepEqual(told, [2]);
  });

  test('that is full loses whole lines, counts them, and cuts none in two', async () => {
    const file = join(folder, 'full');
    // A limit in blocks of 512 bytes or 1 KiB, in the middle of a line; the signal for it is ignored.
    const writer = join(import.meta.dirname, 'fsize-writer.js');
    const child = spawn(
      'sh',
      ['-c', `trap '' XFSZ; ulimit -f 2; exec "$0" "$1" "$2" 40`, process.execPath, writer, file],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    );
    const [{ lost, failures }] = (await once(child, 'message')) as [{ lost: number; failures: number }];
    await once(child, 'exit');
    const text = readFileSync(file, 'utf8');
    const whole = text.split('\n').filter((line) => line.length === 99);
    assert.ok(lost > 0 && failures > 0, `${lost} lost, ${failures} failures`);
    assert.equal(whole.length + lost, 40);
    assert.deepEqual(
      whole.map((line) => Number(line.replaceAll('.', ''))),
      whole.map((_, index) => index),
    );
  });
});
