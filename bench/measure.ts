import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Gateway, GatewaySetup, RunningGateway } from './gateways/gateway.ts';
import type { LoadGenerator, LoadPlan } from './load/load.ts';
import type { Options } from './options.ts';
import { type Probe, send, untilReady } from './probe.ts';
import { cpuMicros, peakMemory } from './proc.ts';
import { type Comparison, type Measurement, type ScenarioResult, summarise } from './results.ts';
import { KNOWN_TOKENS } from './scenarios.ts';
import { forged, type TokenMint } from './tokens.ts';
import { BODY, type Served, settled } from './upstream.ts';

/** The surroundings of a scenario. */
export interface Bench {
  readonly options: Options;
  readonly gateways: readonly Gateway[];
  readonly load: LoadGenerator;
  readonly mint: TokenMint;
  readonly upstream: Served;
  /** The start options of all gateways, without the folder. */
  readonly setup: Omit<GatewaySetup, 'directory'>;
  readonly directory: string;
  /** Gateways that one scenario leaves to the next; undefined: each starts its own. */
  readonly kept: Map<Gateway, RunningGateway> | undefined;
  /** One line for the user. */
  say(line: string): void;
}

/** A separate measurement that gives one table. */
export interface Trial {
  readonly name: string;
  /** Undefined when it can run here; otherwise the reason and the remedy. */
  unavailable?(): string | undefined;
  /** Undefined when none of the selected gateways takes part in it. */
  run(bench: Bench): Promise<ScenarioResult | undefined>;
}

/** A load on the measured gateway, for the time in the run's options. */
export type Plan = Omit<LoadPlan, 'url' | 'seconds'> & { readonly path: string };

export interface Contestant {
  readonly gateway: Gateway;
  readonly running: RunningGateway;
  readonly rounds: Measurement[];
}

/** Fails unless the gateway forwards a good token with the right response and, if it checks tokens, nothing else. */
async function assertResponses(bench: Bench, { gateway, running }: Contestant, probe: Probe): Promise<void> {
  const [good] = (await bench.mint.mint(1)) as [string];
  await untilReady(running.subprocess, running.port, { ...probe, token: good, speech: gateway.speech });
  if (!gateway.checksTokens) return;
  const before = await bench.upstream.served();
  for (const [what, token] of [
    ['no token', undefined],
    ['a forged token', forged(good)],
  ] as const) {
    const { status } = await send(running.port, { path: probe.path, token, speech: gateway.speech });
    if (status !== 401 && status !== 403) {
      throw new Error(`${gateway.name} answers ${status}, not 401 or 403, to a request with ${what}`);
    }
  }
  if ((await bench.upstream.served()) !== before) {
    throw new Error(`${gateway.name} passed a request without a good token on to the upstream`);
  }
}

/** Starts gateways, checks their responses, hands them to `use`, and stops them. */
export async function withGateways<T>(
  bench: Bench,
  trial: string,
  gateways: readonly Gateway[],
  probe: Omit<Probe, 'token'>,
  use: (contestants: readonly Contestant[]) => Promise<T>,
): Promise<T> {
  const contestants: Contestant[] = [];
  try {
    const starting = gateways.map(async (gateway, at) => {
      const directory = join(bench.directory, trial, gateway.name);
      mkdirSync(directory, { recursive: true });
      const running = bench.kept?.get(gateway) ?? (await gateway.start({ ...bench.setup, directory }));
      contestants[at] = { gateway, running, rounds: [] };
    });
    // When one of them fails, the others must be known too, to stop them.
    for (const started of await Promise.allSettled(starting)) {
      if (started.status === 'rejected') throw started.reason;
    }
    for (const contestant of contestants) await assertResponses(bench, contestant, probe);
    const result = await use(contestants);
    for (const { gateway, running } of contestants) {
      if (bench.gateways.includes(gateway)) bench.kept?.set(gateway, running);
    }
    return result;
  } finally {
    // A gateway that did not start left a gap, which `filter` skips.
    const leaving = contestants.filter(({ gateway }) => bench.kept?.has(gateway) !== true);
    await Promise.all(leaving.map(({ running }) => running.subprocess.stop()));
  }
}

/** Whether this gateway was selected, which some trials measure alone. */
export function includesOurs({ gateways }: Bench): boolean {
  return gateways.some(({ name }) => name === 'portcullis');
}

/** Writes tokens for a load generator. @param name of the file. @returns its path. */
export function writeTokens({ directory }: Bench, name: string, tokens: readonly string[]): string {
  const file = join(directory, name);
  writeFileSync(file, `${tokens.join('\n')}\n`);
  return file;
}

/** Requests with known tokens in turn. @param name of the file with the tokens. */
export async function knownPlan(bench: Bench, name: string, connections: number): Promise<Plan> {
  const tokenFile = writeTokens(bench, `${name}.tokens`, await bench.mint.known(KNOWN_TOKENS));
  return { path: '/', tokenFile, expect: 'forwarded', use: 'cycle', connections };
}

/** CPU microseconds of the servers so far. */
export function cpuOf({ pids }: Served): number {
  return pids.reduce((sum, pid) => sum + cpuMicros(pid), 0);
}

/** One load; the counts of the generator and of the upstream must agree for it to count. */
export async function measureOnce(
  bench: Bench,
  { gateway, running }: Contestant,
  plan: Plan,
  seconds: number = bench.options.seconds,
): Promise<Measurement> {
  const { connections, streams = 1, use, expect } = plan;
  const servedBefore = await bench.upstream.served();
  const cpuBefore = cpuMicros(running.subprocess.pid);
  const upstreamCpuBefore = cpuOf(bench.upstream);
  const result = await bench.load.run({
    ...plan,
    seconds,
    url: `${gateway.speech === 'https' ? 'https' : 'http'}://127.0.0.1:${running.port}${plan.path}`,
  });
  const served = (await settled(bench.upstream)) - servedBefore;
  if (running.subprocess.exited)
    throw new Error(`${running.subprocess.command} ended: ${running.subprocess.output}`);
  const cpu = cpuMicros(running.subprocess.pid) - cpuBefore;
  const upstreamCpu = cpuOf(bench.upstream) - upstreamCpuBefore;
  // The end of a timed load cuts off at most one request for each connection or stream. With pipelining, the requests after it
  // are sent once more.
  const cutOff = use === 'once' ? 0 : 2 * connections * streams;
  let fault: string | null = null;
  if (result.completed === 0) fault = 'nothing was answered';
  else if (result.failures > 0) fault = `${result.failures} requests failed`;
  else if (expect !== 'forwarded') fault = served === 0 ? null : `the upstream served ${served}`;
  else if (served < result.completed || served > result.completed + cutOff) {
    fault = `${result.completed} answers, but the upstream served ${served}`;
  }
  return {
    completed: result.completed,
    requestsPerSecond: result.completed / result.seconds,
    cpuMicros: result.completed === 0 ? 0 : cpu / result.completed,
    ...result.latency,
    gatewayCores: cpu / 1e6 / result.seconds,
    generatorCores: result.generatorCores,
    upstreamCores: upstreamCpu / 1e6 / result.seconds,
    fault,
  };
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((left, right) => left.place - right.place)
    .map(({ item }) => item);
}

/** Measures each in turn, in a new order in every round. @param prepare called before each round. */
export async function inRounds(
  bench: Bench,
  trial: string,
  contestants: readonly Contestant[],
  measure: (contestant: Contestant) => Promise<Measurement>,
  prepare?: () => Promise<unknown>,
): Promise<void> {
  for (let round = 1; round <= bench.options.rounds; round += 1) {
    await prepare?.();
    for (const contestant of shuffled(contestants)) {
      const measured = await measure(contestant);
      contestant.rounds.push(measured);
      const { cpuMicros, requestsPerSecond, p99, fault } = measured;
      const remark = fault === null ? '' : `  does not count: ${fault}`;
      bench.say(
        `${trial} round ${round} ${contestant.gateway.name}: ${cpuMicros.toFixed(1)} µs CPU per request, ` +
          `${Math.round(requestsPerSecond)} requests/s, p99 ${p99.toFixed(2)} ms${remark}`,
      );
    }
  }
}

/**
 * A first load, even if none is demanded. Its failures are only printed, because lasting ones show in the measurement.
 * Throws without any response.
 */
export async function warmUp(bench: Bench, contestant: Contestant, plan: Plan): Promise<Measurement> {
  const { seconds, warmupSeconds } = bench.options;
  const measured = await measureOnce(bench, contestant, plan, warmupSeconds || seconds);
  if (measured.fault === null) return measured;
  const fault = `warm-up of ${contestant.gateway.name}: ${measured.fault}`;
  if (measured.completed === 0) throw new Error(fault);
  bench.say(fault);
  return measured;
}

/** The results of the rounds, with the decisive figure compared. */
export function tableOf(
  contestants: readonly Contestant[],
  comparison: Comparison,
): Pick<ScenarioResult, 'comparison' | 'gateways'> {
  const results = contestants.map(({ gateway, running, rounds }) => ({
    gateway: gateway.name,
    description: gateway.description,
    command: running.subprocess.command,
    configuration: running.configuration,
    peakMemoryBytes: peakMemory(running.subprocess.pid),
    rounds,
  }));
  return { comparison, gateways: summarise(results, comparison) };
}

/** The request of a probe for the usual response. */
export const usualProbe: Omit<Probe, 'token'> = { path: '/', expected: BODY.length };
