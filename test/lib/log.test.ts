import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLog } from '../../src/lib/log.ts';

test('a log line is one JSON object with level, time, fields and message', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => lines.push(line) } });
  log.debug({}, 'not shown');
  log.info({ address: '127.0.0.1:1' }, 'one\nline');
  log.warn({}, 'two');
  log.error({ error: new Error('broken') }, 'three');
  const [first, second, third] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(lines.length, 3);
  assert.ok(lines.every((line) => line.indexOf('\n') === line.length - 1));
  assert.match(String(first?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const { time: _, ...rest } = first ?? {};
  assert.deepEqual(rest, { level: 'info', address: '127.0.0.1:1', message: 'one\nline' });
  assert.equal(second?.['level'], 'warn');
  assert.match(JSON.stringify(third?.['error']), /"message":"broken"/);
});

test('while nobody reads, half of what may wait is kept for lines that cannot be spared', async () => {
  const child = fork(join(import.meta.dirname, 'log-writer.js'), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  // Its output is not read until it has met its bound.
  const [{ crowdedAfter }] = await once(child, 'message');
  assert.ok(crowdedAfter > 400 && crowdedAfter < 1000, `${crowdedAfter} lines`);
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ message }) => message),
    [...Array.from({ length: crowdedAfter }, () => 'spared'), 'kept', 'again'],
  );
});
