import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Bench,
  type Contestant,
  inRounds,
  measureOnce,
  resultOf,
  type Trial,
  warmUp,
  withGateways,
} from '../measure.ts';
import { BASELINES, type Measurement, type ScenarioResult, summarise } from '../results.ts';
import { KNOWN_TOKENS, type Scenario } from '../scenarios.ts';
import { BODY, pathForBytes } from '../upstream.ts';

/** Writes the tokens of one measurement to a file, those that are to be new each time anew. */
async function dealer(bench: Bench, scenario: Scenario, count: number, file: string) {
  const { oneNewIn, wrong } = scenario;
  const known = oneNewIn === undefined ? [] : await bench.mint.mint(KNOWN_TOKENS);
  return async (): Promise<void> => {
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
    writeFileSync(file, `${lines.join('\n')}\n`);
  };
}

/** A scenario as something to measure: all gateways, as many requests as they take. */
export function closedLoop(scenario: Scenario): Trial {
  return { name: scenario.name, run: (bench) => run(bench, scenario) };
}

async function run(bench: Bench, scenario: Scenario): Promise<ScenarioResult | undefined> {
  const { options } = bench;
  const { name, use, wrong, connections, answerBytes, uploadBytes } = scenario;
  // What checks nothing refuses nothing.
  const gateways = bench.gateways.filter(({ checksTokens }) => wrong === undefined || checksTokens);
  if (gateways.length === 0) return undefined;
  const tokens = use === 'once' ? Math.ceil(scenario.tokens * options.share) : scenario.tokens;
  const tokenFile = join(bench.directory, `${name}.tokens`);
  const deal = await dealer(bench, scenario, tokens, tokenFile);
  const path = answerBytes === undefined ? '/' : pathForBytes(answerBytes);
  const measure =
    (seconds: number) =>
    (contestant: Contestant): Promise<Measurement> =>
      measureOnce(bench, contestant, {
        path,
        tokenFile,
        expect: wrong === undefined ? 'forwarded' : 'refused',
        use,
        connections,
        seconds,
        ...(uploadBytes === undefined ? {} : { uploadBytes }),
      });
  const probe = { path, uploadBytes, expected: answerBytes ?? BODY.length };
  return withGateways(bench, name, gateways, probe, async (contestants) => {
    await deal();
    if (options.warmupSeconds > 0) {
      for (const contestant of contestants) await warmUp(contestant, measure(options.warmupSeconds));
    }
    await inRounds(bench, name, contestants, measure(options.seconds), use === 'once' ? deal : undefined);
    const bodyBytes = answerBytes ?? uploadBytes;
    const comparison = { figure: 'cpuMicros', baselines: BASELINES } as const;
    return {
      scenario: name,
      description: `${tokens.toLocaleString('en-US')} ${scenario.description}`,
      connections,
      tokens,
      ...(bodyBytes === undefined ? {} : { bodyBytes }),
      comparison,
      gateways: summarise(contestants.map(resultOf), comparison),
      remarks: [],
    };
  });
}
