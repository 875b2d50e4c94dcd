import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

type Versions = Readonly<Record<string, string>>;
interface Manifest {
  readonly version: string;
  readonly dependencies: Versions;
  readonly devDependencies: Versions;
  readonly optionalDependencies: Versions;
  readonly overrides: Versions;
}
interface Lockfile {
  readonly packages: Readonly<Record<string, { version?: string; integrity?: string; link?: boolean }>>;
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
const manifest = read('package.json') as Manifest;
const lockfile = read('package-lock.json') as Lockfile;
const { dependencies, devDependencies, optionalDependencies, overrides } = manifest;

/** Packs without the package's scripts, because these tests run from the built files. */
async function pack(...args: string[]): Promise<{ filename: string; files: readonly { path: string }[] }> {
  const line = ['pack', '--json', '--ignore-scripts', ...args];
  const { stdout } = await promisify(execFile)('npm', line, { cwd: root, maxBuffer: 8 * 1024 * 1024 });
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  assert.ok(packed);
  return packed;
}

describe('the package', () => {
  test('contains the program, its installer, the licence and the notice, and nothing else', async () => {
    const paths = (await pack('--dry-run')).files.map(({ path }) => path);
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
      (path) => !/^(dist\/src|src\/admin\/page|docs)\//.test(path) && path.includes('/'),
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
    const paths = new Set((await pack('--dry-run')).files.map(({ path }) => path));
    const missing: string[] = [];
    for (const from of [...paths].filter((path) => path.endsWith('.md'))) {
      const page = readFileSync(join(root, from), 'utf8');
      for (const [, target = ''] of page.matchAll(/\]\((?!https?:)([^)#\s]+)/g)) {
        const to = join(dirname(from), target);
        if (!paths.has(to) && to !== 'docs') missing.push(`${from}: ${target}`);
      }
    }
    assert.deepEqual(missing, []);
  });

  test('runs when it is installed with only its dependencies', async () => {
    const { filename } = await pack('--pack-destination', folder);
    await promisify(execFile)('tar', ['-xf', join(folder, filename), '-C', folder]);
    const installed = join(folder, 'package');
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const target = join(root, 'node_modules', name);
      const link = join(installed, 'node_modules', name);
      mkdirSync(dirname(link), { recursive: true });
      if (existsSync(target)) symlinkSync(target, link);
    }
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
