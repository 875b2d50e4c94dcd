import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
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

test('lines of a worker process name it, and lines for the journal begin with their priority', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLog({ level: 'debug', listener: 3, journal: true, destination });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]({ level: 'forged' }, level);
  assert.deepEqual(
    lines.map((line) => [line.slice(0, 3), (JSON.parse(line.slice(3)) as { listener: number }).listener]),
    [
      ['<7>', 3],
      ['<6>', 3],
      ['<4>', 3],
      ['<3>', 3],
    ],
  );
});

test('a long stack is cut', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const error = new Error('deep');
  error.stack = 'x'.repeat(100_000);
  log.error({ error }, 'a fault');
  assert.ok((lines[0] as string).length < 4096);
  assert.match(lines[0] as string, /x…"/);
});

test('lines of several processes do not mix in one pipe', async () => {
  const writers = Array.from({ length: 3 }, (_, writer) => ({ writer, lines: 400 }));
  const each = writers.map(({ writer, lines }) => `"$0" "$1" ${writer} ${lines} &`).join(' ');
  // A reader that takes little at a time, so that the pipe is full repeatedly.
  const shell = spawn(
    'sh',
    [
      '-c',
      `{ ${each} wait; } | dd bs=700 status=none`,
      process.execPath,
      join(import.meta.dirname, 'log-flooder.js'),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  shell.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  await once(shell.stdout, 'end');
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { listener: number; text: string });
  for (const { writer, lines: count } of writers) {
    const own = lines.filter(({ listener }) => listener === writer);
    assert.equal(own.length, count);
    assert.ok(own.every(({ text: filling }) => filling === String(writer).repeat(filling.length)));
  }
});

test('while the log is not read, half of its room is kept for important lines', async () => {
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
