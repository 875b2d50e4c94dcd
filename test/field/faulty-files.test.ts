// Source: an adversarial review: files with 1,000 unknown keys, 20,000 aliases or 209,000 repeated keys kept a reload busy for minutes.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadInOwnProcess } from '../../src/process/load-process.ts';
import { run } from '../cli/program.ts';
import { lines, valid } from './faulty-texts.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.js');

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

describe('a faulty file gets a short report', () => {
  test('which states that there is more', async () => {
    const file = join(folder, 'portcullis.yaml');
    writeFileSync(file, valid + lines(1000, (index) => `unknown${index}: 1`));
    const { code, stderr } = await run(['check', '--config', file]);
    assert.equal(code, 78);
    assert.match(stderr, /: configuration: has (at least \d+ )?more faults, which are not shown; must be/);
    writeFileSync(file, `${valid}# ${'x'.repeat(2_000_000)}`);
    assert.match((await run(['check', '--config', file])).stderr, /is larger than 1048576 bytes/);
  });
});

describe('a check in its own process', () => {
  const file = join(folder, 'child.yaml');
  const task = { program: main, file, env: { PATH: process.env['PATH'] } };

  test('gives the configuration, or its faults', async () => {
    writeFileSync(file, `${valid}realm: "\${REALM}"\n`);
    const good = await loadInOwnProcess({ ...task, env: { ...task.env, REALM: 'there' }, running: 2 });
    assert.ok(good.ok);
    assert.deepEqual([good.config.realm, good.config.listeners], ['there', 2]);
    assert.ok(good.config.upstreams instanceof Map);
    const bad = await loadInOwnProcess(task);
    assert.ok(!bad.ok);
    assert.match(bad.faults[0]?.message ?? '', /^needs the environment variable REALM/);
  });

  test('ends when its time is over, and reports it when there is no file', async () => {
    await assert.rejects(loadInOwnProcess({ ...task, limitMs: 1 }), /its check took longer than 1 ms/);
    await assert.rejects(loadInOwnProcess({ ...task, file: join(folder, 'none') }), /does not exist/);
  });
});
