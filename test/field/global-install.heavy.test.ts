// Source: an operator's report: outside a clone `npx portcullis` asks the registry for a package of that name, which is somebody else's to publish.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { fillShare } from '../systemd/release.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const call = promisify(execFile);

describe('a packed release', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    fillShare(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  test('installs its command for the whole machine, with the dependencies of its lockfile', async () => {
    const prefix = join(folder, 'global');
    const flags = [
      '--prefix',
      prefix,
      '--cache',
      join(folder, 'cache'),
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
    ];
    await call('npm', ['i', '-g', './release.tgz', ...flags], { cwd: folder });
    const command = join(prefix, 'bin', 'portcullis');
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    assert.equal((await call(command, ['--version'], { cwd: folder })).stdout, `${version}\n`);
    const { stdout } = await call(command, ['demo', '--print-config'], { cwd: folder });
    assert.match(stdout, /^listen: /m);

    const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      readonly packages: Readonly<Record<string, { readonly version?: string }>>;
    };
    const home = join(prefix, 'lib', 'node_modules', 'portcullis');
    const packages = readdirSync(join(home, 'node_modules'), { recursive: true, encoding: 'utf8' })
      .map((path) => join('node_modules', path))
      .filter((path) => /(^|\/)node_modules\/(@[^/]+\/)?[^/@]+\/package\.json$/.test(path));
    assert.ok(packages.length > 10, `${packages}`);
    for (const path of packages) {
      const installed = JSON.parse(readFileSync(join(home, path), 'utf8')) as { version?: string };
      assert.equal(installed.version, locked.packages[dirname(path)]?.version, path);
    }
  });
});
