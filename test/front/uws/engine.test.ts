import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';

const name = `@uwsjs/linux-x64-${process.versions.node.split('.')[0]}`;
const installed = join(import.meta.dirname, '..', '..', '..', '..', 'node_modules', name);
const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

let folder: string;

/** The compiled engine loader in a place from which only packages resolve that a test puts there. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-engine-'));
  const compiled = join(import.meta.dirname, '..', '..', '..', 'src');
  for (const file of ['front/uws/engine.js', 'front/uws/engine-file.js', 'lib/start-error.js'])
    cpSync(join(compiled, file), join(folder, 'src', file));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The platform package with a test's changes. */
function install(change: (path: string) => void = () => {}): void {
  const path = join(folder, 'node_modules', name);
  mkdirSync(path, { recursive: true });
  for (const file of ['package.json', 'index.js', 'uws.node'])
    cpSync(join(installed, file), join(path, file));
  change(path);
}

/** The output of a process that runs `code` with `loadEngine` and `outcome` in scope. */
function run(code: string): string {
  const script = `
    import { loadEngine } from './src/front/uws/engine.js';
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

const load = 'process.stdout.write(outcome(() => typeof loadEngine(16384).App))';

describe('loadEngine', () => {
  test('without any binary is one sentence that names platform, ABI and remedy', () => {
    const text = run(load);
    assert.match(text, /^true the front engine uWebSockets\.js has no binary here for linux-x64, /);
    assert.ok(text.includes(`(ABI ${process.versions.modules})`));
    assert.ok(text.includes('npm ci'));
    assert.equal(text.includes('\n'), false);
  });

  test('takes the platform package of its own tree', () => {
    install();
    assert.equal(run(load), 'function');
  });

  test('refuses another version, and other bytes under the right version', () => {
    install((path) => writeFileSync(join(path, 'package.json'), '{"version":"20.51.5"}'));
    assert.match(
      run(load),
      /^true the front engine in \S+ is version 20\.51\.5, .* made for 20\.\d+\.\d+: run npm ci$/,
    );
    install((path) => writeFileSync(join(path, 'uws.node'), 'something else'));
    assert.match(
      run(load),
      /^true the front engine \S+ is not loaded: its SHA-256 is [0-9a-f]{64}, and that of /,
    );
  });

  test('runs no script of the package', () => {
    install((path) => writeFileSync(join(path, 'index.js'), 'process.stdout.write("the script ran");'));
    assert.equal(run(load), 'function');
  });

  test('takes a binary with the configured SHA-256, and no other bytes', () => {
    const file = join(folder, 'own.node');
    cpSync(join(installed, 'uws.node'), file);
    const named = (digest: string): string =>
      run(
        `process.stdout.write(outcome(() => typeof loadEngine(16384, ${JSON.stringify({ file, sha256: digest })}).App))`,
      );
    assert.equal(named(sha256(file)), 'function');
    assert.match(
      named('0'.repeat(64)),
      /is not loaded: its SHA-256 is .* that of uws\.sha256 of the configuration is 0{64}/,
    );
    writeFileSync(file, 'no binary at all');
    assert.match(named(sha256(file)), /: .*; use Node\.js 20 or 22,/);
    rmSync(file);
    assert.match(named('0'.repeat(64)), /own\.node cannot be read \(ENOENT\)/);
  });

  test('sets the head limit before the binary loads, because it cannot change later', () => {
    install();
    const text = run(`
      const engine = loadEngine(16384);
      process.stdout.write([process.env.UWS_HTTP_MAX_HEADERS_SIZE, loadEngine(16384) === engine].join(' ') + ' ');
      process.stdout.write(outcome(() => loadEngine(8192)));`);
    assert.match(text, /^32768 true true limits\.requestHead is 16384 bytes in this process/);
  });
});
