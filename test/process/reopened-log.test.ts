import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { needs } from '../support/programs.ts';
import { request } from '../support/wire.ts';
import { lives, NamedUpstream, Stand, until } from './stand.ts';

let folder: string;
let upstream: NamedUpstream;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  upstream = await NamedUpstream.start('log');
});
after(() => {
  upstream.close();
  rmSync(folder, { recursive: true });
});

async function start(name: string): Promise<{ stand: Stand; file: string }> {
  const file = join(folder, name);
  const access = { file, fields: ['path'] };
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none', log: { access } });
  return { stand, file };
}

async function ask(stand: Stand, path: string, times = 1): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    const { status } = await request(
      stand.port,
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    assert.equal(status, 200);
  }
}

const pathsIn = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).path);

const lineCount = (file: string, count: number): Promise<string[]> =>
  until(
    () => pathsIn(file),
    ({ length }) => length === count,
  );

const AGAIN = 'the access log was opened again';

describe('the file of the access log', () => {
  test('is opened again by all listeners when the supervisor gets SIGUSR1', async () => {
    const { stand, file } = await start('supervisor.log');
    try {
      await ask(stand, '/one', 20);
      await lineCount(file, 20);
      renameSync(file, `${file}.1`);
      await stand.told('SIGUSR1', AGAIN);
      await ask(stand, '/two', 20);
      assert.deepEqual(await lineCount(file, 20), Array(20).fill('/two'));
      assert.deepEqual(pathsIn(`${file}.1`), Array(20).fill('/one'));
    } finally {
      const { stdout, stderr } = await stand.stop();
      assert.doesNotMatch(stdout + stderr, /Debugger listening/);
    }
  });

  test('is opened again by a listener that gets SIGUSR1, and no process becomes a debugger', async () => {
    const { stand, file } = await start('listeners.log');
    try {
      const pids = await stand.pids();
      await ask(stand, '/one', 4);
      await lineCount(file, 4);
      renameSync(file, `${file}.1`);
      for (const pid of pids) process.kill(pid, 'SIGUSR1');
      // The file is made by the first of them, and each has it once the supervisor has asked them as well.
      await stand.told('SIGUSR1', AGAIN);
      await ask(stand, '/two', 4);
      assert.deepEqual(await lineCount(file, 4), Array(4).fill('/two'));
      assert.ok(pids.every(lives));
    } finally {
      const { stdout, stderr } = await stand.stop();
      assert.doesNotMatch(stdout + stderr, /Debugger listening/);
    }
  });

  test('has a line for each request, also when the gateway stops at once', async () => {
    const { stand, file } = await start('stopped.log');
    try {
      await ask(stand, '/one', 50);
    } finally {
      await stand.stop();
    }
    assert.equal(pathsIn(file).length, 50);
  });

  test('that cannot be opened refuses the start', async () => {
    const { stand, file } = await start('kept.log');
    await stand.stop();
    const there = join(file, 'a.log');
    const access = { file: there };
    const config = { upstream: upstream.url, auth: 'none', log: { access } };
    const ended = await Stand.refused(config);
    assert.equal(ended.code, 78);
    assert.match(ended.stdout + ended.stderr, /log\.access\.file: is in a folder that does not exist/);
  });

  test('is rotated by logrotate with the configuration of the package', needs('logrotate'), async () => {
    const { stand, file } = await start('access.log');
    try {
      await ask(stand, '/one', 10);
      await lineCount(file, 10);
      const shipped = join(import.meta.dirname, '..', '..', '..', 'scripts', 'portcullis.logrotate');
      const text = readFileSync(shipped, 'utf8')
        .replace('/var/log/portcullis/*.log', `${folder}/access.log`)
        .replace(/systemctl kill .*/, `kill -USR1 ${stand.pid}`);
      assert.match(text, /kill -USR1/);
      const config = join(folder, 'logrotate.conf');
      writeFileSync(config, text);
      chmodSync(config, 0o644);
      const before = (await stand.log()).split(AGAIN).length;
      execFileSync('logrotate', ['--force', '--state', join(folder, 'state'), config]);
      await until(
        () => stand.log(),
        (log) => log.split(AGAIN).length > before,
      );
      await ask(stand, '/two', 10);
      assert.deepEqual(await lineCount(file, 10), Array(10).fill('/two'));
      assert.deepEqual(pathsIn(`${file}.1`), Array(10).fill('/one'));
    } finally {
      await stand.stop();
    }
  });
});
