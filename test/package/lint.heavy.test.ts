import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { pack, root } from './pack.ts';

const execute = promisify(execFile);

describe('the packed release', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-lint-'));
  let tarball: string;

  before(async () => {
    tarball = join(folder, (await pack('--pack-destination', folder)).filename);
  });
  after(() => rmSync(folder, { recursive: true }));

  test('has nothing to say for publint, suggestions included', async () => {
    const bytes = readFileSync(tarball);
    const content = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    const { messages } = await publint({ pack: { tarball: content }, level: 'suggestion' });
    assert.deepEqual(messages, []);
  });

  // What only CommonJS or the resolution of Node.js 10 would find is no fault of an ES module.
  test('resolves to its types in every way that finds an ES module', async () => {
    const cli = join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    const line = [cli, tarball, '--profile', 'esm-only', '--format', 'json'];
    const { stdout } = await execute(process.execPath, line, { maxBuffer: 8 * 1024 * 1024 });
    const { analysis } = JSON.parse(stdout) as { analysis: Analysis };
    const seen = Object.entries(analysis.entrypoints['.']?.resolutions ?? {})
      .filter(([, { resolution }]) => resolution?.isTypeScript === true)
      .map(([name]) => name);
    assert.deepEqual(seen.sort(), ['bundler', 'node16-cjs', 'node16-esm']);
  });

  test('would be published without a warning', async () => {
    // A token, because its absence is a warning. Another tag than `latest` asks the registry nothing.
    const line = ['publish', tarball, '--dry-run', '--ignore-scripts', '--tag', 'next'];
    const registry = (await execute('npm', ['config', 'get', 'registry'], { cwd: root })).stdout.trim();
    const token = { [`npm_config_${registry.replace(/^https?:/, '')}:_authToken`]: 'none' };
    const env = { ...process.env, ...token };
    const { stdout, stderr } = await execute('npm', line, { cwd: folder, env, maxBuffer: 8 * 1024 * 1024 });
    assert.match(stdout, /^\+ portcullis@/m);
    assert.deepEqual(
      stderr.split('\n').filter((text) => /^npm (?!notice)/.test(text)),
      [],
    );
  });
});

interface Analysis {
  readonly entrypoints: Readonly<
    Record<string, { readonly resolutions: Readonly<Record<string, Resolution>> } | undefined>
  >;
}
interface Resolution {
  readonly resolution?: { readonly isTypeScript: boolean };
}
