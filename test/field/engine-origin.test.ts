// Source: an adversarial review: a module called uWebSockets.js in a parent folder, in NODE_PATH or in a home folder was loaded and run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const built = join(import.meta.dirname, '..', '..', 'src');
const name = `@uwsjs/linux-x64-${process.versions.node.split('.')[0]}`;
const engine = join(import.meta.dirname, '..', '..', '..', 'node_modules', name);

describe('the front engine', () => {
  let top: string;
  let project: string;

  before(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), 'portcullis-origin-')));
    project = join(top, 'outer', 'project');
    for (const folder of ['front', 'lib']) {
      cpSync(join(built, folder), join(project, 'src', folder), { recursive: true });
    }
    // Some of these import the files beside them.
    cpSync(join(built, 'reasons.js'), join(project, 'src', 'reasons.js'));
    writeFileSync(join(project, 'package.json'), '{"type":"module"}');
    link(join(project, 'node_modules', name));
  });
  after(() => rmSync(top, { recursive: true, force: true }));

  function link(to: string): void {
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(realpathSync(engine), to);
  }

  /** A module that reports its run, under each name that others may resolve. */
  function plant(modules: string): void {
    for (const planted of ['uWebSockets.js', name]) {
      const folder = join(modules, planted);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'package.json'), '{"version":"20.51.4","main":"index.cjs"}');
      const code = 'process.stdout.write("planted "); module.exports = { App: "planted" };';
      writeFileSync(join(folder, 'index.cjs'), code);
      writeFileSync(join(folder, 'uws.node'), code);
    }
  }

  function load(env: NodeJS.ProcessEnv = {}, from = project): string {
    const script = `
      const { loadEngine } = await import(${JSON.stringify(join(from, 'src/front/uws/engine.js'))});
      try { process.stdout.write(typeof loadEngine(16384).App); }
      catch (error) { process.stdout.write(error.message); }`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: from,
      env: { PATH: process.env['PATH'], ...env },
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    return stdout;
  }

  test('is never a module of a parent folder', () => {
    plant(join(top, 'outer', 'node_modules'));
    assert.equal(load(), 'function');
  });

  test('is never a module of NODE_PATH, or of a home folder', () => {
    plant(join(top, 'path'));
    assert.equal(load({ NODE_PATH: join(top, 'path') }), 'function');
    for (const folder of ['.node_modules', '.node_libraries']) plant(join(top, 'home', folder));
    assert.equal(load({ HOME: join(top, 'home') }), 'function');
  });

  test('is not searched elsewhere when its own tree has none', () => {
    const bare = join(top, 'outer', 'bare');
    cpSync(join(project, 'src'), join(bare, 'src'), { recursive: true });
    writeFileSync(join(bare, 'package.json'), '{"type":"module"}');
    plant(join(top, 'path'));
    assert.match(load({ NODE_PATH: join(top, 'path') }, bare), /^the front engine .* has no binary here/);
  });

  test('is found beside this package, where npm puts shared packages', () => {
    const shared = join(top, 'consumer', 'node_modules');
    for (const place of ['portcullis', join('@scope', 'portcullis')]) {
      cpSync(join(project, 'src'), join(shared, place, 'src'), { recursive: true });
      writeFileSync(join(shared, place, 'package.json'), '{"type":"module"}');
    }
    link(join(shared, name));
    assert.equal(load({}, join(shared, 'portcullis')), 'function');
    assert.equal(load({}, join(shared, '@scope', 'portcullis')), 'function');
  });
});
