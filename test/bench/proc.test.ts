import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import {
  cpuMicros,
  cpuMicrosOf,
  type ProcessStat,
  parseMemory,
  parseStat,
  peakMemory,
  treeOf,
} from '../../bench/proc.ts';

const stat = (pid: number, parent: number, ticks = 0): ProcessStat => ({
  pid,
  parent,
  user: ticks,
  system: 0,
  reapedUser: 0,
  reapedSystem: 0,
});

describe('/proc/PID/stat', () => {
  it('yields the parent and all four times', () => {
    const line =
      '4242 (node) S 17 4242 4242 0 -1 4194560 9000 11 3 0 250 75 6 4 20 0 11 0 6543210 1234567168 20000 18446744073709551615 1 1 0 0 0 0 0 4096 134300162 0 0 0 17 1 0 0 0 0 0\n';
    assert.deepEqual(parseStat(line), {
      pid: 4242,
      parent: 17,
      user: 250,
      system: 75,
      reapedUser: 6,
      reapedSystem: 4,
    });
  });

  it('is not confused by a command name with spaces and parentheses', () => {
    const line = '7 (a) S 99 (b) R 1 7 7 0 -1 0 0 0 0 0 5 6 7 8 20 0 1 0 1 1 1';
    assert.deepEqual(parseStat(line), {
      pid: 7,
      parent: 1,
      user: 5,
      system: 6,
      reapedUser: 7,
      reapedSystem: 8,
    });
  });

  it('refuses other lines', () => {
    assert.throws(() => parseStat('7 node S 1 7 7'), /not a line of/);
    assert.throws(() => parseStat('7 (node) S 1 7 7'), /not a line of/);
  });
});

describe('a process tree', () => {
  it('holds the process, its children and theirs, and no other', () => {
    const all = [stat(5, 3), stat(4, 2), stat(3, 2), stat(2, 1), stat(9, 1), stat(1, 0)];
    assert.deepEqual(
      treeOf(2, all)
        .map(({ pid }) => pid)
        .sort(),
      [2, 3, 4, 5],
    );
    assert.deepEqual(treeOf(77, all), []);
  });

  it('costs user and system time, with that of ended children, at 10 ms a tick', () => {
    const one = { pid: 2, parent: 1, user: 1, system: 2, reapedUser: 4, reapedSystem: 8 };
    assert.equal(cpuMicrosOf([one, stat(3, 2, 16)]), 310_000);
  });
});

describe('peak memory', () => {
  it('is VmHWM or VmRSS in bytes, and 0 for a zombie', () => {
    const status = 'Name:\tnode\nVmPeak:\t  900 kB\nVmHWM:\t   51240 kB\nVmRSS:\t 4 kB\n';
    assert.equal(parseMemory(status, 'VmHWM'), 52_469_760);
    assert.equal(parseMemory(status, 'VmRSS'), 4096);
    assert.equal(parseMemory('Name:\tnode\nState:\tZ (zombie)\n', 'VmHWM'), 0);
  });
});

describe('a real process', () => {
  it('is measured with its children', async () => {
    // The shell prints once its subprocess has used 300 ms of CPU time; both then wait for the end of their input.
    const script =
      'while (process.cpuUsage().user < 300000); process.stdout.write("done"); process.stdin.resume()';
    const shell = spawn('/bin/sh', ['-c', '"$0" -e "$1"; true', process.execPath, script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      await once(shell.stdout, 'data');
      assert.ok(cpuMicros(shell.pid as number) >= 300_000 - 10_000);
      // Node.js alone takes more than 20 MiB, a shell a tenth of it.
      assert.ok(peakMemory(shell.pid as number) > 20 * 2 ** 20);
    } finally {
      shell.stdin.end();
      await once(shell, 'exit');
    }
    assert.throws(() => cpuMicros(shell.pid as number), /is gone/);
  });
});
