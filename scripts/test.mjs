// Runs every compiled test file, or those whose path contains one of the given words.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const words = process.argv.slice(2);
const root = join(import.meta.dirname, '..', 'dist', 'test');
const files = readdirSync(root, { recursive: true })
  .map((name) => join(root, name))
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => words.length === 0 || words.some((word) => name.slice(root.length).includes(word)))
  .sort();
if (files.length === 0) {
  process.stderr.write(`no test file matches ${words.join(' ')}\n`);
  process.exit(64);
}
/** Milliseconds for one file, many times what the longest takes, so that what never ends is told by its name. */
const LIMIT_MS = 240_000;
const run = spawnSync(
  process.execPath,
  ['--enable-source-maps', '--test', '--test-reporter=spec', `--test-timeout=${LIMIT_MS}`, ...files],
  {
    stdio: 'inherit',
  },
);
process.exit(run.status ?? 70);
