import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../../bench/probe.ts';
import { start } from '../cli/program.ts';
import { inWorkers, listenOn, lives, NamedUpstream, Stand, until } from './stand.ts';

// Failures during other work.

/** Subprocesses of a process with this command line. */
const children = (pid: number, command = 'listener'): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .filter((child) => {
      try {
        return readFileSync(`/proc/${child}/cmdline`, 'utf8').endsWith(`\0${command}\0`);
      } catch {
        return false; // It has ended meanwhile.
      }
    });

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a worker with an internal error is replaced, even when its replacement dies', async () => {
  const upstream = await NamedUpstream.start('a');
  const faulty = inWorkers("process.on('SIGCONT', () => { throw new Error('made up'); })");
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none' }, faulty);
  try {
    const before = await stand.pids();
    stand.signal('SIGUSR2');
    const [next] = await until(
      () => children(stand.pid).filter((pid) => !before.includes(pid)),
      ({ length }) => length === 1,
    );
    // Workers are replaced in their order.
    process.kill(before[0] as number, 'SIGCONT');
    await stand.program.printed(/this listener is replaced/);
    process.kill(next as number, 'SIGKILL');
    await stand.program.printed(/"message":"not every listener was replaced"/);
    await until(
      () => stand.pids(),
      (pids) => pids.length === 2 && !pids.includes(before[0] as number),
    );
    // The one with the error and the one that was killed.
    assert.equal(await stand.metric('portcullis_listener_deaths_total'), 2);
  } finally {
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  }
});

test('a worker that dies while it waits for a reload to be refused is replaced', async () => {
  const upstream = await NamedUpstream.start('a');
  const config = { upstream: upstream.url, auth: 'none' };
  const stand = await Stand.start(config);
  const port = await freePort();
  try {
    const [a, b] = (await stand.pids()) as [number, number];
    // From then on a death does not end the start.
    await rest(1_100);
    process.kill(a, 'SIGSTOP');
    process.kill(b, 'SIGKILL');
    stand.write({ ...config, listen: [listenOn('127.0.0.1:0'), listenOn(`127.0.0.1:${port}`)] });
    stand.signal('SIGHUP');
    // The new one is held back until the reload, which waits for the stopped one, has begun: it takes no part in the
    // reload.
    let next: number | undefined;
    let wasRead = false;
    await until(
      () => {
        const reading = children(stand.pid, 'load').length > 0;
        wasRead ||= reading;
        const found = children(stand.pid).find((pid) => pid !== a && pid !== b);
        if (next === undefined && found !== undefined) process.kill(found, 'SIGSTOP');
        next ??= found;
        return next !== undefined && wasRead && !reading;
      },
      (begun) => begun,
    );
    await rest(500);
    const taken = createServer().listen(port, '127.0.0.1');
    await once(taken, 'listening');
    process.kill(next as number, 'SIGCONT');
    // It serves by then, and waits for its turn behind the reload.
    await rest(2_000);
    process.kill(next as number, 'SIGKILL');
    await until(
      () => lives(next as number),
      (alive) => !alive,
    );
    process.kill(a, 'SIGCONT');
    await stand.program.printed(/"message":"the configuration was not reloaded; the old one stays"/);
    taken.close();
    await until(
      async () => (await stand.pids()).length,
      (count) => count === 2,
    );
  } finally {
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  }
});

test('SIGTERM during the start leaves no worker behind, not even one that hangs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  // The first to make the file goes on, the other hangs.
  const hanging =
    inWorkers(`try { process.getBuiltinModule('node:fs').openSync('${join(folder, 'first')}', 'wx') }
    catch { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) }`);
  const file = join(folder, 'portcullis.yaml');
  writeFileSync(
    file,
    'listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nlisteners: 2\nupstream: http://127.0.0.1:9\nauth: none\n',
  );
  const program = start(['start', '--config', file], hanging);
  try {
    const pids = await until(
      () => children(program.child.pid as number),
      ({ length }) => length === 2,
    );
    await rest(500);
    program.child.kill('SIGTERM');
    assert.equal((await program.ended).code, 0);
    await until(
      () => pids.some(lives),
      (alive) => !alive,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a signal before the configuration is read takes effect later', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  const file = join(folder, 'portcullis.yaml');
  execFileSync('mkfifo', [file]);
  const program = start(['start', '--config', file]);
  try {
    // Opens when the gateway reads it.
    const fifo = await open(file, 'w');
    program.child.kill('SIGUSR2');
    await fifo.write(
      'listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nlisteners: 1\nupstream: http://127.0.0.1:9\nauth: none\n',
    );
    await fifo.close();
    await program.printed(/"message":"ready"[\s\S]*"message":"every listener was replaced"/);
  } finally {
    program.child.kill('SIGTERM');
    assert.equal((await program.ended).code, 0);
    rmSync(folder, { recursive: true });
  }
});
