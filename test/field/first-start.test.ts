// Source: a newcomer on a fresh clone: the first npm start was silent for half a minute while it compiled.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';

const project = join(import.meta.dirname, '..', '..', '..');
const freePorts = ['--port', '0', '--issuer-port', '0', '--admin-port', '0'];
/** Milliseconds after which an endless build is ended. */
const LIMIT_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-start-'));
after(() => rmSync(folder, { recursive: true }));
/** A separate clone, because these tests run from the build of this one. */
let clone = '';
let clones = 0;

beforeEach(() => {
  clones += 1;
  clone = join(folder, `${clones}`);
  for (const name of ['src', 'scripts', 'package.json', 'tsconfig.json', 'tsconfig.src.json']) {
    cpSync(join(project, name), join(clone, name), { recursive: true });
  }
});
const install = (): void => symlinkSync(join(project, 'node_modules'), join(clone, 'node_modules'));

function npmStart(): ChildProcess {
  const script = join(clone, 'scripts', 'start.mjs');
  return spawn(process.execPath, [script, ...freePorts], { timeout: LIMIT_MS, killSignal: 'SIGKILL' });
}

/** Both outputs, once the process has ended. */
async function ended(child: ChildProcess): Promise<{ code: number | null; text: string }> {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (text += bytes));
  await once(child, 'close');
  return { code: child.exitCode, text };
}

describe('npm start on a fresh clone', () => {
  test('prints what it does before there is a program, then runs the demo', async () => {
    install();
    const child = npmStart();
    const all = ended(child);
    const [first] = await once(child.stdout as NodeJS.EventEmitter, 'data');
    assert.match(`${first}`, /^portcullis: building from its sources/);
    assert.ok(!existsSync(join(clone, 'dist', 'src', 'main.js')));
    let text = `${first}`;
    child.stdout?.on('data', (bytes) => {
      text += bytes;
      if (/^ready.*\n/m.test(text)) child.kill('SIGTERM');
    });
    const { code } = await all;
    assert.match(text, /^portcullis: building .* built in [\d.]+ s\nportcullis: starting the demo\n/);
    assert.match(text, /^ready: http:\/\/127\.0\.0\.1:\d+/m);
    assert.equal(code, 0, text);
    assert.ok(!existsSync(join(clone, 'dist', 'test')), 'a start needs no tests');
  });

  test('starts nothing that does not compile, and prints the fault', async () => {
    install();
    rmSync(join(clone, 'src'), { recursive: true });
    mkdirSync(join(clone, 'src'));
    writeFileSync(join(clone, 'src', 'main.ts'), 'export const port: number = "8080";\n');
    const { code, text } = await ended(npmStart());
    assert.equal(code, 70);
    assert.match(text, /failed after [\d.]+ s\nsrc\/main\.ts\(1,14\): error TS2322/);
    assert.doesNotMatch(text, /ready/);
  });

  test('names npm ci where the packages are missing', async () => {
    const { code, text } = await ended(npmStart());
    assert.equal(code, 69);
    assert.match(text, /^portcullis: .*run npm ci first\n$/);
  });
});
