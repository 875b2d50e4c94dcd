// Runs every compiled test file but the heavy ones, or with --heavy only these, one at a time. Words choose the files
// whose path contains one of them. The folders whose gateways either engine may serve then run once more with the
// other one; TEST_ENGINE=uws, node or tls (node with TLS) runs the files with that engine alone. Where no binary of
// uWebSockets.js loads, everything runs once, with the other engine, but the tests of uWebSockets.js itself.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

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

const only = process.env.TEST_ENGINE;
/** What runs over TLS: what serves requests, but for the files whose clients are other programs or bare sockets. */
const OVER_TLS =
  /^(?:conformance|exchange)\/(?!(?:back-pressure|clients|concurrent-uploads|held-body|https-redirect|limits|path-confusion|unix-socket)\.)/;
const isServed = (name) => only !== 'tls' || OVER_TLS.test(name);

const named = readdirSync(compiled, { recursive: true })
  .filter((name) => name.endsWith('.test.js') && hasSource(name) && fits(name) && isServed(name))
  .sort();
const files = named.filter((name) => isHeavy(name) === heavy);
if (files.length === 0) {
  const other = heavy ? 'npm test' : 'npm run test:heavy';
  const others = named.length === 0 ? '' : `; ${other} has ${named.length}`;
  process.stderr.write(`no test file matches ${words.join(' ')}${others}\n`);
  process.exit(64);
}
/**
 * Milliseconds for one file, many times the longest, so that a file that never ends is named. Node.js 24 holds each test to
 * it, and no file.
 */
const LIMIT_MS = heavy ? 600_000 : 240_000;
/** Files at a time: two more than cores, because most of them wait most of the time. */
const SIDE_BY_SIDE = heavy ? 1 : availableParallelism() + 2;

/** Where the gateways of the tests may be served by either engine, which TEST_ENGINE names. */
const EITHER_ENGINE = /^(?:exchange|conformance|hostile|gateway|lifetime|limits|revocation|parity|explain)\//;
/** The field reports of which a client sees something. */
const FIELD_OF_CLIENTS =
  /^field\/(?:both-ways|client-address|closing-clients|connection-authentication|early-\w+(?:-\w+)?|health-checks|held-(?:cut-requests|git|head-bytes|own-answers|whole-programs)|hosts|odd-targets|override-headers|rest-of-an-upload|upstream-dialects)\./;

/** The processes of a gateway share an address by engine node from Node.js 22.12 on. */
const [major, minor] = process.versions.node.split('.').map(Number);
const canShare = major > 22 || (major === 22 && minor >= 12);
const OF_PROCESSES = /^process\/(?:death|reload|roll|shared|stop)\./;

/** Runs the files with an engine, and yields the exit status of the runner. */
function run(names, engine) {
  const flags = [`--test-concurrency=${SIDE_BY_SIDE}`, '--test-reporter=spec', `--test-timeout=${LIMIT_MS}`];
  const paths = names.map((name) => join(compiled, name));
  const { status, error } = spawnSync(
    process.execPath,
    ['--enable-source-maps', '--test', ...flags, ...paths],
    { stdio: 'inherit', env: { ...process.env, TEST_ENGINE: engine } },
  );
  if (error) throw error;
  return status ?? 70;
}

/** The tests of uWebSockets.js itself. */
const OF_UWS = /^(?:front\/uws\/|field\/engine-origin\.)/;

/** Whether this Node.js, on this machine, loads uWebSockets.js. A fault of the loader is no reason to do without. */
function loadsUws() {
  const loader = join(import.meta.dirname, '..', 'dist', 'src', 'front', 'uws', 'engine.js');
  if (!existsSync(loader)) return true;
  const script = `
    import { loadEngine, whyAbsent } from ${JSON.stringify(pathToFileURL(loader).href)};
    try { loadEngine(16384); } catch (error) { process.exitCode = whyAbsent(error) === undefined ? 0 : 3; }`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script]).status !== 3;
}

if (only === undefined && !loadsUws()) {
  const able = files.filter((name) => !OF_UWS.test(name));
  process.stdout.write(
    `uWebSockets.js does not load here: engine: node for all, ${files.length - able.length} files about uWebSockets.js do not run\n\n`,
  );
  process.exit(able.length === 0 ? 0 : run(able, 'node'));
}
const first = run(files, only ?? 'uws');
const again = files.filter(
  (name) => EITHER_ENGINE.test(name) || FIELD_OF_CLIENTS.test(name) || (canShare && OF_PROCESSES.test(name)),
);
if (heavy || only !== undefined || again.length === 0) process.exit(first);
process.stdout.write(`\n${again.length} files again, with engine: node\n`);
const second = run(again, 'node');
process.exit(first === 0 ? second : first);
