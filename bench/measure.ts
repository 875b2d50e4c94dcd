import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Gateway, GatewaySetup, RunningGateway } from './gateways/gateway.ts';
import type { LoadGenerator } from './load/load.ts';
import type { Options } from './options.ts';
import { get, untilReady } from './probe.ts';
import { cpuMicros, peakMemory } from './proc.ts';
import { type GatewayResult, type Measurement, type ScenarioResult, summarise } from './results.ts';
import { KNOWN_TOKENS, type Scenario } from './scenarios.ts';
import { forged, type TokenMint } from './tokens.ts';
import { BODY, type Upstream } from './upstream.ts';

/** Everything a scenario runs in. */
export interface Bench {
  readonly options: Options;
  readonly gateways: readonly Gateway[];
  readonly load: LoadGenerator;
  readonly mint: TokenMint;
  readonly upstream: Upstream;
  /** What all gateways are started with, but for the folder. */
  readonly setup: Omit<GatewaySetup, 'directory'>;
  readonly directory: string;
  /** One line for whoever watches. */
  say(line: string): void;
}

interface Contestant {
  readonly gateway: Gateway;
  readonly running: RunningGateway;
  readonly rounds: Measurement[];
}

/** Fails unless the gateway lets a good token through and, if it checks tokens, nothing else. */
async function assertAnswers(bench: Bench, { gateway, running }: Contestant): Promise<void> {
  const [good] = (await bench.mint.mint(1)) as [string];
  await untilReady(running.child, running.port, good, BODY);
  if (!gateway.checksTokens) return;
  const before = await bench.upstream.served();
  for (const [what, token] of [
    ['no token', undefined],
    ['a forged token', forged(good)],
  ] as const) {
    const { status } = await get(running.port, token);
    if (status !== 401 && status !== 403) {
      throw new Error(`${gateway.name} answers ${status}, not 401 or 403, to a request with ${what}`);
    }
  }
  if ((await bench.upstream.served()) !== before) {
    throw new Error(`${gateway.name} passed a request without a good token on to the upstream`);
  }
}

/** One load; the counts of the generator and of the upstream must agree for it to count. */
async function measureOnce(
  bench: Bench,
  scenario: Scenario,
  { running }: Contestant,
  tokenFile: string,
  seconds: number,
): Promise<Measurement> {
  const { connections, use, wrong } = scenario;
  const servedBefore = await bench.upstream.served();
  const cpuBefore = cpuMicros(running.child.pid);
  const upstreamCpuBefore = cpuMicros(bench.upstream.pid);
  const result = await bench.load.run({
    url: `http://127.0.0.1:${running.port}/`,
    tokenFile,
    expect: wrong === undefined ? 'forwarded' : 'refused',
    use,
    connections,
    seconds,
  });
  const served = (await bench.upstream.settled()) - servedBefore;
  const cpu = cpuMicros(running.child.pid) - cpuBefore;
  const upstreamCpu = cpuMicros(bench.upstream.pid) - upstreamCpuBefore;
  // A timed load cuts off what is under way at its end: at most one request for each connection.
  const cutOff = use === 'once' ? 0 : connections;
  let fault: string | null = null;
  if (result.completed === 0) fault = 'nothing was answered';
  else if (result.failures > 0) fault = `${result.failures} requests failed`;
  else if (wrong !== undefined) fault = served === 0 ? null : `the upstream served ${served}`;
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

/** Starts all gateways, warms each up, measures them in turn for as many rounds as asked, and stops them. */
export async function runScenario(bench: Bench, scenario: Scenario): Promise<ScenarioResult> {
  const { options } = bench;
  const tokens = scenario.use === 'once' ? Math.ceil(scenario.tokens * options.share) : scenario.tokens;
  const tokenFile = join(bench.directory, `${scenario.name}.tokens`);
  const { oneNewIn, wrong } = scenario;
  const known = oneNewIn === undefined ? [] : await bench.mint.mint(KNOWN_TOKENS);
  const deal = async (count: number): Promise<void> => {
    const fresh =
      wrong === undefined
        ? await bench.mint.mint(Math.ceil(count / (oneNewIn ?? 1)))
        : await bench.mint.mintWrong(count, wrong);
    const lines =
      oneNewIn === undefined
        ? fresh
        : Array.from({ length: count }, (_, at) =>
            at % oneNewIn === 0 ? fresh[at / oneNewIn] : known[at % KNOWN_TOKENS],
          );
    writeFileSync(tokenFile, `${lines.join('\n')}\n`);
  };
  const contestants: Contestant[] = [];
  try {
    const running = bench.gateways
      .filter(({ checksTokens }) => wrong === undefined || checksTokens)
      .map(async (gateway) => {
        const directory = join(bench.directory, scenario.name, gateway.name);
        mkdirSync(directory, { recursive: true });
        const contestant = {
          gateway,
          running: await gateway.start({ ...bench.setup, directory }),
          rounds: [],
        };
        contestants.push(contestant);
      });
    // Also when one of them fails, the others must be known, to be stopped.
    for (const started of await Promise.allSettled(running)) {
      if (started.status === 'rejected') throw started.reason;
    }
    for (const contestant of contestants) await assertAnswers(bench, contestant);
    await deal(tokens);
    for (const contestant of options.warmupSeconds > 0 ? contestants : []) {
      const { fault } = await measureOnce(bench, scenario, contestant, tokenFile, options.warmupSeconds);
      if (fault !== null) throw new Error(`warm-up of ${contestant.gateway.name}: ${fault}`);
    }
    for (let round = 1; round <= options.rounds; round += 1) {
      if (scenario.use === 'once') await deal(tokens);
      for (const contestant of shuffled(contestants)) {
        const measured = await measureOnce(bench, scenario, contestant, tokenFile, options.seconds);
        contestant.rounds.push(measured);
        const word = measured.fault === null ? '' : `  does not count: ${measured.fault}`;
        bench.say(
          `${scenario.name} round ${round} ${contestant.gateway.name}: ` +
            `${measured.cpuMicros.toFixed(1)} µs CPU per request, ${Math.round(measured.requestsPerSecond)} requests/s${word}`,
        );
      }
    }
    const results = contestants.map(
      ({ gateway, running, rounds }): GatewayResult => ({
        gateway: gateway.name,
        description: gateway.description,
        command: running.child.command,
        configuration: running.configuration,
        peakMemoryBytes: peakMemory(running.child.pid),
        rounds,
      }),
    );
    const { name, connections } = scenario;
    const description = `${tokens.toLocaleString('en-US')} ${scenario.description}`;
    return { scenario: name, description, connections, tokens, gateways: summarise(results) };
  } finally {
    await Promise.all(contestants.map(({ running }) => running.child.stop()));
  }
}
