import {
  type Bench,
  type Contestant,
  inRounds,
  measureOnce,
  type Trial,
  tableOf,
  warmUp,
  withGateways,
  writeTokens,
} from '../measure.ts';
import { BASELINES, type ScenarioResult } from '../results.ts';
import { KNOWN_TOKENS, type Scenario } from '../scenarios.ts';
import { BODY, pathForBytes } from '../upstream.ts';

/** Writes the tokens of one measurement, new ones each time anew, and returns their file. */
async function dealer(bench: Bench, scenario: Scenario, count: number): Promise<() => Promise<string>> {
  const { name, use, oneNewIn, wrong } = scenario;
  const { mint } = bench;
  const known = oneNewIn === undefined ? [] : await mint.known(KNOWN_TOKENS);
  const deal = async (): Promise<string[]> => {
    if (wrong !== undefined) return await mint.mintWrong(count, wrong);
    return use === 'cycle' ? await mint.known(count) : await mint.mint(Math.ceil(count / (oneNewIn ?? 1)));
  };
  return async () => {
    const fresh = await deal();
    const lines =
      oneNewIn === undefined
        ? fresh
        : Array.from(
            { length: count },
            (_, at) => (at % oneNewIn === 0 ? fresh[at / oneNewIn] : known[at % KNOWN_TOKENS]) as string,
          );
    return writeTokens(bench, `${name}.tokens`, lines);
  };
}

/** A scenario as a trial: all gateways, as many requests as they take. */
export function closedLoop(scenario: Scenario): Trial {
  return { name: scenario.name, run: (bench) => run(bench, scenario) };
}

async function run(bench: Bench, scenario: Scenario): Promise<ScenarioResult | undefined> {
  const { options } = bench;
  const { name, use, wrong, connections, responseBytes, uploadBytes } = scenario;
  // A gateway without checks refuses nothing.
  const gateways = bench.gateways.filter(({ checksTokens }) => wrong === undefined || checksTokens);
  if (gateways.length === 0) return undefined;
  const tokens = use === 'once' ? Math.ceil(scenario.tokens * options.share) : scenario.tokens;
  const deal = await dealer(bench, scenario, tokens);
  const path = responseBytes === undefined ? '/' : pathForBytes(responseBytes);
  const plan = {
    path,
    tokenFile: await deal(),
    expect: wrong === undefined ? 'forwarded' : 'refused',
    use,
    connections,
    ...(uploadBytes === undefined ? {} : { uploadBytes }),
  } as const;
  const probe = { path, uploadBytes, expected: responseBytes ?? BODY.length };
  return withGateways(bench, name, gateways, probe, async (contestants) => {
    if (options.warmupSeconds > 0) {
      for (const contestant of contestants) await warmUp(bench, contestant, plan);
    }
    const measure = (contestant: Contestant) => measureOnce(bench, contestant, plan);
    await inRounds(bench, name, contestants, measure, use === 'once' ? deal : undefined);
    const bodyBytes = responseBytes ?? uploadBytes;
    return {
      scenario: name,
      description: `${tokens.toLocaleString('en-US')} ${scenario.description}`,
      connections,
      tokens,
      ...(bodyBytes === undefined ? {} : { bodyBytes }),
      ...tableOf(contestants, { figure: 'cpuMicros', baselines: BASELINES }),
      remarks: [],
    };
  });
}
