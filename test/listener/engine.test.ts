import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

let folder: string;

/** The compiled engine loader in a place from which no package resolves but those a test puts there. */
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-engine-'));
  const compiled = join(import.meta.dirname, '..', '..', 'src');
  for (const file of ['listener/engine.js', 'lib/start-error.js'])
    cpSync(join(compiled, file), join(folder, 'src', file));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});

after(() => rmSync(folder, { recursive: true, force: true }));

function install(name: string, code: string): void {
  const path = join(folder, 'node_modules', name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'index.cjs'), code);
  writeFileSync(join(path, 'package.json'), '{"main":"index.cjs"}');
}

/** What a process of its own prints after it has run `code` with `loadEngine` and `outcome` in scope. */
function run(code: string): string {
  const script = `
    import { loadEngine } from './src/listener/engine.js';
    import { StartError } from './src/lib/start-error.js';
    const outcome = (work) => {
      try { return String(work()); } catch (error) { return (error instanceof StartError) + ' ' + error.message; }
    };
    ${code}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  return stdout;
}

const major = process.versions.node.split('.')[0];

describe('loadEngine', () => {
  test('without any binary is one sentence that names platform, ABI and remedy', () => {
    const text = run('process.stdout.write(outcome(() => loadEngine(16384)))');
    assert.match(text, /^true the front engine uWebSockets\.js has no binary here for linux-x64, /);
    assert.ok(text.includes(`(ABI ${process.versions.modules})`));
    assert.ok(text.includes('npm ci'));
    assert.equal(text.includes('\n'), false);
  });

  test('with a binary that does not load says why in the same sentence', () => {
    install(
      `@uwsjs/linux-x64-${major}`,
      `throw new Error('was compiled for another ABI\\nRequire stack: x');`,
    );
    const text = run('process.stdout.write(outcome(() => loadEngine(16384)))');
    assert.match(text, /: was compiled for another ABI; use Node\.js/);
    assert.equal(text.includes('Require stack'), false);
  });

  test('sets the head limit before the binary loads, which cannot be changed later', () => {
    install(
      `@uwsjs/linux-x64-${major}`,
      'module.exports = { limit: process.env.UWS_HTTP_MAX_HEADERS_SIZE, _cfg(option) { this.option = option; } };',
    );
    const text = run(`
      const engine = loadEngine(16384);
      process.stdout.write([engine.limit, engine.option, loadEngine(16384) === engine].join(' ') + ' ');
      process.stdout.write(outcome(() => loadEngine(8192)));`);
    assert.match(text, /^32768 silent true true limits\.requestHead is 16384 bytes in this process/);
  });

  test('prefers an installed official package', () => {
    install('uWebSockets.js', 'module.exports = { official: true };');
    assert.equal(run('process.stdout.write(outcome(() => loadEngine(16384).official))'), 'true');
  });
});
