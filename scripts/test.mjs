// Runs every compiled test file, or those whose path contains one of the given words.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
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
/** Files at a time: one more than there are cores, because most of them wait for something most of the time. */
const SIDE_BY_SIDE = availableParallelism() + 1;
/** What measures how a gateway bears up has the machine for itself. */
const isAlone = (file) => file.endsWith('.alone.test.js');

const statuses = [
  [files.filter((file) => !isAlone(file)), SIDE_BY_SIDE],
  [files.filter(isAlone), 1],
].map(([some, concurrency]) => {
  if (some.length === 0) return 0;
  const flags = [`--test-concurrency=${concurrency}`, '--test-reporter=spec', `--test-timeout=${LIMIT_MS}`];
  const run = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...flags, ...some], {
    stdio: 'inherit',
  });
  return run.status ?? 70;
});
process.exit(statuses.find((status) => status !== 0) ?? 0);
