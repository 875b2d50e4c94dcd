// Feeds mutated bytes to the parsers for a time: npm run fuzz -- [requests|connections|responses|tunnels] [--seconds 60] [--seed N] [--keep]
// Each target has that time. The same seed and corpus make the same inputs. --keep adds inputs that showed a new
// behaviour to the corpus.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as requestInputs from '../dist/test/front/node/h1/fuzz/input.js';
import { requests } from '../dist/test/front/node/h1/fuzz/target.js';
import * as connectionInputs from '../dist/test/front/node/h2/fuzz/input.js';
import { connections } from '../dist/test/front/node/h2/fuzz/target.js';
import { fuzz } from '../dist/test/support/fuzz/fuzz.js';
import * as tunnelInputs from '../dist/test/tunnel/fuzz/input.js';
import { tunnels } from '../dist/test/tunnel/fuzz/target.js';
import * as responseInputs from '../dist/test/upstream/h1/fuzz/input.js';
import { responses } from '../dist/test/upstream/h1/fuzz/target.js';

const root = join(import.meta.dirname, '..');
const failures = join(root, 'dist', 'fuzz-failures');

/** What can be fuzzed. `nameOf` begins the file names of inputs, as `keptInputs` reads them. */
const targets = {
  requests: { target: requests, inputs: requestInputs, nameOf: () => 'client' },
  connections: { target: connections, inputs: connectionInputs, nameOf: () => 'client' },
  responses: { target: responses, inputs: responseInputs, nameOf: ({ method }) => method.toLowerCase() },
  tunnels: { target: tunnels, inputs: { ...requestInputs, ...tunnelInputs }, nameOf: () => 'server' },
};

/** Writes one input into a folder and returns the file's path. */
function keep(folder, name, { bytes }) {
  mkdirSync(folder, { recursive: true });
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  const path = join(folder, `${name}-${hash}.bin`);
  writeFileSync(path, bytes);
  return path;
}

function refuseUsage(message) {
  process.stderr.write(`${message}\n`);
  process.exit(64);
}

let values;
let positionals;
try {
  ({ values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string' }, seed: { type: 'string' }, keep: { type: 'boolean' } },
  }));
} catch (error) {
  refuseUsage(error.message);
}
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
if (!(seconds > 0) || !Number.isInteger(seed)) {
  refuseUsage('--seconds takes a number above 0, --seed an integer');
}
const names = positionals.length > 0 ? positionals : Object.keys(targets);
const unknown = names.find((name) => !Object.hasOwn(targets, name));
if (unknown !== undefined) refuseUsage(`${unknown} is none of ${Object.keys(targets).join(', ')}`);

for (const name of names) {
  const { target, inputs, nameOf } = targets[name];
  const corpus = join(root, 'test', 'fixtures', name);
  process.stdout.write(`${name}: seed ${seed}, ${seconds} s\n`);
  const deadline = performance.now() + seconds * 1000;
  const first = [...inputs.rowInputs(), ...inputs.keptInputs(corpus)];
  const report = await fuzz(target, first, seed, () => performance.now() < deadline);
  process.stdout.write(
    `${report.runs} inputs, ${report.carried} carried, ${report.behaviours} behaviours, ${report.found.length} new\n`,
  );
  for (const [what, count] of report.differences) process.stdout.write(`not in Node: ${what}: ${count}\n`);
  if (values.keep) {
    for (const input of report.found) keep(corpus, nameOf(input), input);
    process.stdout.write(`kept in ${corpus}\n`);
  }
  if (report.failure !== undefined) {
    const { input, error } = report.failure;
    const path = keep(failures, nameOf(input), input);
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.stderr.write(`${nameOf(input)} ${input.bytes.toString('hex')}\n${path}\n`);
    process.exit(1);
  }
}
