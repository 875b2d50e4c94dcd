// Feeds mutated responses to the response parser for a time: npm run fuzz -- [--seconds 60] [--seed N] [--keep]
// The same seed and corpus make the same inputs. --keep adds inputs that showed a new behaviour to the corpus.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fuzz } from '../dist/test/upstream/h1/fuzz/fuzz.js';
import { keptInputs, rowInputs } from '../dist/test/upstream/h1/fuzz/input.js';

const root = join(import.meta.dirname, '..');
const corpus = join(root, 'test', 'fixtures', 'responses');
const failures = join(root, 'dist', 'fuzz-failures');

/** Writes one input into a folder, under the name that `keptInputs` reads, and returns the file's path. */
function keep(folder, { method, bytes }) {
  mkdirSync(folder, { recursive: true });
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  const path = join(folder, `${method.toLowerCase()}-${hash}.bin`);
  writeFileSync(path, bytes);
  return path;
}

let values;
try {
  ({ values } = parseArgs({
    options: { seconds: { type: 'string' }, seed: { type: 'string' }, keep: { type: 'boolean' } },
  }));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(64);
}
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
if (!(seconds > 0) || !Number.isInteger(seed)) {
  process.stderr.write('--seconds takes a number above 0, --seed an integer\n');
  process.exit(64);
}

process.stdout.write(`seed ${seed}, ${seconds} s\n`);
const deadline = performance.now() + seconds * 1000;
const report = await fuzz([...rowInputs(), ...keptInputs(corpus)], seed, () => performance.now() < deadline);
process.stdout.write(
  `${report.runs} inputs, ${report.carried} carried, ${report.behaviours} behaviours, ${report.found.length} new\n`,
);
for (const [name, count] of report.differences) process.stdout.write(`not in Node: ${name}: ${count}\n`);
if (values.keep) {
  for (const input of report.found) keep(corpus, input);
  process.stdout.write(`kept in ${corpus}\n`);
}
if (report.failure !== undefined) {
  const { input, error } = report.failure;
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.stderr.write(`${input.method} ${input.bytes.toString('hex')}\n${keep(failures, input)}\n`);
  process.exit(1);
}
