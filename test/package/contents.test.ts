import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { installPacked, manifest, pack, root } from './pack.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

interface Lockfile {
  readonly packages: Readonly<Record<string, { version?: string; integrity?: string; link?: boolean }>>;
}

const lockfile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
const { dependencies, devDependencies, optionalDependencies, overrides } = manifest;

describe('the package', () => {
  let paths: readonly string[];
  before(async () => {
    paths = (await pack('--dry-run')).files.map(({ path }) => path);
  });

  test('contains the program, its installer, the licence and the notice, and nothing else', async () => {
    for (const path of [
      'LICENSE',
      'NOTICE',
      'README.md',
      'CHANGELOG.md',
      'SECURITY.md',
      'docs/limits.md',
      'package.json',
    ]) {
      assert.ok(paths.includes(path), path);
    }
    for (const path of ['main.js', 'index.js', 'index.d.ts', 'auth/verify/worker.js']) {
      assert.ok(paths.includes(`dist/src/${path}`), path);
    }
    for (const path of ['index.html', 'page.js', 'page.css'])
      assert.ok(paths.includes(`src/admin/page/${path}`), path);
    const others = paths.filter(
      (path) => !/^(dist\/src|src\/admin\/page|docs|scripts\/container)\//.test(path) && path.includes('/'),
    );
    assert.deepEqual(others.sort(), [
      'bench/README.md',
      'scripts/install',
      'scripts/monitoring/grafana-dashboard.json',
      'scripts/monitoring/prometheus-rules.yaml',
      'scripts/portcullis.example.yaml',
      'scripts/portcullis.logrotate',
      'scripts/portcullis.service',
      'scripts/portcullis.sysctl.conf',
      'scripts/uninstall',
    ]);
  });

  test('contains every file that its pages link to', async () => {
    const packed = new Set(paths);
    const missing: string[] = [];
    for (const from of paths.filter((path) => path.endsWith('.md'))) {
      const page = readFileSync(join(root, from), 'utf8');
      for (const [, target = ''] of page.matchAll(/\]\((?!https?:)([^)#\s]+)/g)) {
        const to = join(dirname(from), target);
        if (!packed.has(to) && to !== 'docs') missing.push(`${from}: ${target}`);
      }
    }
    assert.deepEqual(missing, []);
  });

  test('runs when it is installed with only its dependencies', async () => {
    const { filename } = await pack('--pack-destination', folder);
    const installed = await installPacked(join(folder, filename), join(folder, 'node_modules'));
    const main = join(installed, 'dist', 'src', 'main.js');
    const version = await promisify(execFile)(process.execPath, [main, '--version']);
    assert.equal(version.stdout, `${manifest.version}\n`);
    const program = `
      import { createGateway } from ${JSON.stringify(join(installed, 'dist', 'src', 'index.js'))};
      const gateway = createGateway({ listen: '127.0.0.1:0', admin: '127.0.0.1:0', upstream: 'http://127.0.0.1:9', auth: 'none', log: { level: 'warn' } });
      await gateway.start();
      process.stdout.write(String((await fetch('http://' + gateway.addresses.admin + '/readyz')).status));
      await gateway.close({ grace: 0 });
    `;
    const embedded = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    assert.equal(embedded.stdout, '200');
  });

  test('pins every dependency to one version', () => {
    const pins = [dependencies, devDependencies, optionalDependencies, overrides].flatMap(Object.entries);
    assert.deepEqual(
      pins.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
      [],
    );
  });

  test('is locked to the pinned versions, with the hash of every file, for each Node.js', () => {
    const { packages } = lockfile;
    for (const [name, version] of Object.entries({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
    })) {
      assert.equal(packages[`node_modules/${name}`]?.version, version, name);
    }
    for (const major of [20, 22]) assert.ok(packages[`node_modules/@uwsjs/linux-x64-${major}`], `${major}`);
    const unhashed = Object.entries(packages).filter(
      ([path, { integrity, link }]) => path !== '' && link !== true && !integrity?.startsWith('sha512-'),
    );
    assert.deepEqual(unhashed, []);
  });
});
