// Source: a newcomer with a fresh clone: -h, -v, -V, -c, help, version and check FILE were "unknown option".
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run, start } from '../cli/program.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'gateway.yaml');
writeFileSync(
  file,
  'listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nauth: none\nupstream: http://127.0.0.1:9\nlisteners: 1\n',
);

test('the version is printed by the usual options', async () => {
  for (const args of [['-v'], ['-V'], ['version'], ['--version'], ['check', '-v'], ['check', '-V']]) {
    assert.deepEqual(await run(args), { code: 0, stdout: `${version}\n`, stderr: '' }, args.join(' '));
  }
});

test('and so is the help', async () => {
  for (const [args, usage] of [
    [['-h'], 'Usage: portcullis [options]'],
    [['help'], 'Usage: portcullis [options]'],
    [['help', 'check'], 'Usage: portcullis check'],
    [['check', '-h'], 'Usage: portcullis check'],
  ] as const) {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    assert.ok(stdout.startsWith(usage), stdout);
  }
});

test('the file follows -c, --config or the command', async () => {
  for (const args of [
    ['check', file],
    ['check', '-c', file],
    ['check', '--config', file],
    ['check', `--config=${file}`],
  ]) {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stdout.split('\n')[0], stderr], [0, `${file} is valid`, ''], args.join(' '));
  }
  const gateway = start(['start', file]);
  await gateway.printed(/"ready"/);
  gateway.child.kill('SIGTERM');
  assert.equal((await gateway.ended).code, 0);
});

test('wrong usage is reported with the way to the help, and ends with 64', async () => {
  for (const [args, text] of [
    [['check', '-x'], "unknown option '-x'"],
    [['--frob'], "unknown option '--frob'"],
    [['check', file, '--config', file], 'name the configuration file once'],
    [['check', file, file], 'too many arguments'],
    [['help', 'nothing'], "unknown command 'nothing'"],
  ] as const) {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stdout], [64, ''], args.join(' '));
    assert.ok(stderr.includes(text) && stderr.includes('portcullis --help'), stderr);
  }
});
