// Runs every compiled test file but the heavy ones, or with --heavy only these, one at a time. Words choose the files
// whose path contains one of them.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const args = process.argv.slice(2);
const heavy = args.includes('--heavy');
const words = args.filter((arg) => arg !== '--heavy');
const sources = join(import.meta.dirname, '..', 'test');
const compiled = join(import.meta.dirname, '..', 'dist', 'test');

/** Tests that measure memory or time, flood, soak or boot a machine have the cores for themselves. */
const isHeavy = (name) => name.endsWith('.heavy.test.js');
/** A build leaves the output of an earlier one for a file that has been renamed or removed since. */
const hasSource = (name) => existsSync(join(sources, name.replace(/\.js$/, '.ts')));
const fits = (name) => words.length === 0 || words.some((word) => `/${name}`.includes(word));

const named = readdirSync(compiled, { recursive: true })
  .filter((name) => name.endsWith('.test.js') && hasSource(name) && fits(name))
  .sort();
const files = named.filter((name) => isHeavy(name) === heavy);
if (files.length === 0) {
  const other = heavy ? 'npm test' : 'npm run test:heavy';
  const others = named.length === 0 ? '' : `; ${other} has ${named.length}`;
  process.stderr.write(`no test file matches ${words.join(' ')}${others}\n`);
  process.exit(64);
}
/** Milliseconds for one file, many times the longest, so that a file that never ends is named. */
const LIMIT_MS = heavy ? 600_000 : 240_000;
/** Files at a time: two more than cores, because most of them wait most of the time. */
const SIDE_BY_SIDE = heavy ? 1 : availableParallelism() + 2;

const flags = [`--test-concurrency=${SIDE_BY_SIDE}`, '--test-reporter=spec', `--test-timeout=${LIMIT_MS}`];
const paths = files.map((name) => join(compiled, name));
const { status, error } = spawnSync(
  process.execPath,
  ['--enable-source-maps', '--test', ...flags, ...paths],
  {
    stdio: 'inherit',
  },
);
if (error) throw error;
process.exit(status ?? 70);
