import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { root } from './pack.ts';

const execute = promisify(execFile);

/** What no commit holds. */
const made = /^(?:node_modules|dist(?:-.*)?|\.git)$/;

describe('two builds of one commit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-builds-'));
  after(() => rmSync(folder, { recursive: true }));

  /** Builds and packs a copy of the sources, whose files all have the time, as prepack does. @returns the tarball. */
  async function build(name: string, seconds: number): Promise<Buffer> {
    const copy = join(folder, name);
    mkdirSync(copy, { recursive: true });
    cpSync(root, copy, { recursive: true, filter: (path) => !made.test(relative(root, path)) });
    for (const file of readdirSync(copy, { recursive: true, encoding: 'utf8' })) {
      utimesSync(join(copy, file), seconds, seconds);
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const to = `${copy}.packed`;
    mkdirSync(to);
    const build = 'node_modules/.bin/tsc -p tsconfig.src.json && chmod 755 dist/src/main.js';
    const pack = 'cp package-lock.json npm-shrinkwrap.json && npm pack --ignore-scripts --silent';
    // npm packs the rights of files as they are.
    const line = `umask 022 && ${build} && ${pack} --pack-destination "$1"`;
    await execute('sh', ['-c', line, 'sh', to], { cwd: copy, maxBuffer: 8 * 1024 * 1024 });
    const [tarball] = readdirSync(to);
    return readFileSync(join(to, tarball as string));
  }

  test('are the same bytes, in other folders and at other times', async () => {
    const first = await build('one', 1_000_000_000);
    const second = await build(join('a', 'longer path'), 1_700_000_000);
    assert.ok(first.length > 100_000, `${first.length} bytes are no release`);
    assert.ok(first.equals(second), 'the tarballs differ');
  });
});
