import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { charts } from './charts/charts.ts';
import { fastify } from './gateways/fastify.ts';
import type { Gateway } from './gateways/gateway.ts';
import { haproxyJwt, haproxyPlain } from './gateways/haproxy.ts';
import { portcullis, portcullisAt, portcullisOf, portcullisPipelined } from './gateways/portcullis.ts';
import { autocannonLoad } from './load/autocannon.ts';
import type { LoadGenerator } from './load/load.ts';
import { wrkLoad } from './load/wrk.ts';
import { machine, versions } from './machine.ts';
import type { Bench, Trial } from './measure.ts';
import { isFullRun, type Options, parseOptions, UsageError, usage } from './options.ts';
import { Placement } from './placement.ts';
import { findProgram } from './programs.ts';
import { markdownReport, textReport, withResults } from './report.ts';
import type { RunResult, ScenarioResult } from './results.ts';
import { buildRevision } from './revision.ts';
import { scenarios } from './scenarios.ts';
import { Subprocesses } from './subprocesses.ts';
import { AUDIENCE, ISSUER, TokenMint } from './tokens.ts';
import { balance } from './trials/balance.ts';
import { besideUploads } from './trials/beside-uploads.ts';
import { closedLoop } from './trials/closed-loop.ts';
import { hitNode } from './trials/engines.ts';
import { extras } from './trials/extras.ts';
import { flood } from './trials/flood.ts';
import { http2 } from './trials/http2.ts';
import { idle } from './trials/idle.ts';
import { latency } from './trials/latency.ts';
import { memory } from './trials/memory.ts';
import { scales } from './trials/scaling.ts';
import { tls, tlsHandshake } from './trials/tls.ts';
import { upstreamHttp2 } from './trials/upstream-http2.ts';
import { upstreamTls } from './trials/upstream-tls.ts';
import { websockets } from './trials/websockets.ts';
import { Upstream } from './upstream.ts';

const allGateways: readonly Gateway[] = [portcullis, portcullisPipelined, haproxyPlain, haproxyJwt, fastify];
const trials: readonly Trial[] = [
  ...scenarios.map(closedLoop),
  hitNode,
  balance,
  extras,
  tls,
  tlsHandshake,
  ...http2,
  upstreamHttp2,
  upstreamTls,
  latency,
  flood,
  memory,
  idle,
  besideUploads,
  ...websockets,
  ...scales,
];
const known = {
  scenarios: trials.map(({ name }) => name),
  gateways: allGateways.map(({ name }) => name),
};
/** The source folder, also when this runs as dist/bench/run.js. */
const benchFolder = fileURLToPath(new URL('../../bench/', import.meta.url));

const EXIT_DOES_NOT_COUNT = 1;
const EXIT_USAGE = 64;
const EXIT_SOFTWARE = 70;
/** A shell's exit code for a program ended by a signal: 128 plus its number. */
const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function generator(options: Options, subprocesses: Subprocesses, directory: string): LoadGenerator {
  if (options.load === 'autocannon') return autocannonLoad(subprocesses);
  if (findProgram('wrk') === undefined) throw new UsageError('--load wrk: apt-get install -y wrk');
  return wrkLoad(subprocesses, directory);
}

/** Measures everything in the options. */
async function run(
  options: Options,
  placement: Placement,
  subprocesses: Subprocesses,
  directory: string,
): Promise<RunResult> {
  const startedAt = new Date();
  const before = machine();
  const asked =
    options.processes.length > 0
      ? options.processes.map(portcullisOf)
      : allGateways.filter(({ name }) => options.gateways.includes(name));
  if (options.compare !== undefined) {
    asked.push(portcullisAt(options.compare, buildRevision(options.compare, directory)));
  }
  const skipped: Record<string, string> = {};
  for (const gateway of asked) {
    const reason = gateway.unavailable();
    if (reason === undefined) continue;
    skipped[gateway.name] = reason;
    say(`${gateway.name} is skipped: ${reason}`);
  }
  const mint = await TokenMint.create();
  const keyFile = join(directory, 'pubkey.pem');
  writeFileSync(keyFile, mint.publicPem);
  const upstream = await Upstream.start(subprocesses);
  const load = generator(options, subprocesses, directory);
  const bench: Bench = {
    options,
    gateways: asked.filter(({ name }) => skipped[name] === undefined),
    load,
    mint,
    upstream,
    setup: { subprocesses, upstreamPort: upstream.port, keyFile, issuer: ISSUER, audience: AUDIENCE },
    directory,
    kept: options.quick ? new Map() : undefined,
    say,
  };
  const results: ScenarioResult[] = [];
  const failed: Record<string, string> = {};
  // Quick mode shows all gateways once, and then that everything else works with this one.
  const ours = { ...bench, gateways: bench.gateways.filter(({ name }) => name === portcullis.name) };
  for (const trial of trials.filter(({ name }) => options.scenarios.includes(name))) {
    const lacking = trial.unavailable?.();
    if (lacking !== undefined) {
      skipped[trial.name] = lacking;
      say(`${trial.name} is skipped: ${lacking}`);
      continue;
    }
    try {
      const result = await trial.run(options.quick && results.length > 0 ? ours : bench);
      if (result !== undefined) results.push(result);
    } catch (error) {
      // The results so far, perhaps half an hour's, must not be lost with it.
      failed[trial.name] = (error as Error).message;
      say(`${trial.name} failed: ${failed[trial.name]}`);
    }
  }
  return {
    startedAt: startedAt.toISOString(),
    seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    load: { generator: load.name, rounds: options.rounds, seconds: options.seconds },
    placement: placement.describe(),
    loadCpus: placement.loadCpus ?? null,
    quick: options.quick,
    machine: before,
    versions: versions(),
    skipped,
    failed,
    scenarios: results,
  };
}

function writeResults(result: RunResult, options: Options, isFaultless: boolean): void {
  const folder = resolve(options.results ?? join(benchFolder, 'results'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'latest.json'), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(folder, 'latest.md'), markdownReport(result));
  const drawn = charts(result);
  for (const { file, svg } of drawn) writeFileSync(join(folder, file), svg);
  say(`\nwritten in ${folder}: latest.json, latest.md, ${drawn.map(({ file }) => file).join(', ')}`);
  if (!options.writeReadme) return;
  if (!isFaultless) throw new Error('what does not count keeps this run out of the README');
  const readme = join(benchFolder, 'README.md');
  writeFileSync(readme, withResults(readFileSync(readme, 'utf8'), markdownReport(result)));
  say(`written: ${readme}`);
}

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    say(usage.trimEnd());
    return 0;
  }
  const options = parseOptions(process.argv.slice(2), known);
  if (options.writeReadme && !isFullRun(options, known)) {
    throw new UsageError('--write-readme: only a full run may stand in the README');
  }
  const placement = options.pin ? Placement.ofThisMachine() : Placement.none();
  const subprocesses = new Subprocesses(placement);
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
  const cleanUp = (): void => {
    subprocesses.killAll();
    rmSync(directory, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => process.exit(EXIT_BY_SIGNAL[signal]));
  }
  process.once('exit', cleanUp);
  try {
    const result = await run(options, placement, subprocesses, directory);
    say(`\n${textReport(result).trimEnd()}`);
    const isFaultless =
      Object.keys(result.failed).length === 0 &&
      result.scenarios.every(({ gateways }) =>
        gateways.every(({ rounds }) => rounds.every(({ fault }) => fault === null)),
      );
    writeResults(result, options, isFaultless);
    return isFaultless ? 0 : EXIT_DOES_NOT_COUNT;
  } finally {
    await subprocesses.stopAll();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const wrongUse = error instanceof UsageError;
  process.stderr.write(wrongUse ? `${error.message}\n${usage}` : `${(error as Error).stack}\n`);
  process.exitCode = wrongUse ? EXIT_USAGE : EXIT_SOFTWARE;
}
