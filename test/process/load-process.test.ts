import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatFault } from '../../src/config/fault.ts';
import type { LoadResult } from '../../src/config/load.ts';
import { loadInOwnProcess } from '../../src/process/load-process.ts';
import { until } from './stand.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.js');
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

function load(text: string, more: object = {}): Promise<LoadResult> {
  const file = join(folder, 'portcullis.yaml');
  writeFileSync(file, text);
  return loadInOwnProcess({ program: main, file, env: {}, running: 3, ...more });
}

const good = 'listen: 127.0.0.1:1\nauth: none\nupstream: http://h:1\n';

test('a configuration arrives as it was read, frozen, with the parts that the running gateway has', async () => {
  const result = await load(good);
  assert.ok(result.ok, JSON.stringify(result));
  const { config } = result;
  assert.equal(config.listeners, 3);
  assert.equal(config.limits.requestBody, Number.POSITIVE_INFINITY);
  assert.ok(config.upstreams instanceof Map && Object.isFrozen(config.routes));
});

test('faults arrive as they were found', async () => {
  const result = await load('relm: x\n');
  assert.ok(!result.ok);
  assert.match(result.faults.map(formatFault).join('\n'), /portcullis\.yaml:1:1: relm: is not a known key/);
});

test('variables arrive over the channel, and are not in the environment of the process that reads', async () => {
  const pipe = join(folder, 'key.pem');
  execFileSync('mkfifo', [pipe]);
  const issuer = `issuers: { i: { issuer: x, audience: y, algorithms: [RS256], keys: { pem: ${pipe} } } }\n`;
  const env = { NAME: 'a-value-that-may-be-secret', NODE_ENV: 'production' };
  // A process of an earlier test may not have ended yet.
  const others = new Set(readers());
  const result = load(`${good}${issuer}realm: $\{NAME}\n`, { env, limitMs: 3_000 });
  // It waits for the pipe, which has no writer, until its time is over.
  const seen = assert.rejects(result, /was not read: its check took longer than 3000 ms/);
  const reader = await until(
    () => readers().find((pid) => !others.has(pid)),
    (pid) => pid !== undefined,
  );
  const environment = readFileSync(`/proc/${reader}/environ`, 'latin1');
  assert.match(environment, /NODE_ENV=production/);
  assert.doesNotMatch(environment, /a-value-that-may-be-secret/);
  await seen;
});

const readers = (): string[] => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isReader(pid));

/** Whether a process is a subprocess of this one that reads a configuration. */
function isReader(pid: string): boolean {
  try {
    const parent = /^\d+ \(.*\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
    return parent === `${process.pid}` && readFileSync(`/proc/${pid}/cmdline`, 'latin1').endsWith('\0load\0');
  } catch {
    return false; // It has ended meanwhile.
  }
}

test('a process that cannot read is a fault', async () => {
  await assert.rejects(
    load(good, { program: join(folder, 'nothing.js') }),
    /was not read: its check ended with 1/,
  );
});
