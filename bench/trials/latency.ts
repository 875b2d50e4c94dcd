import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Bench,
  inRounds,
  measureOnce,
  resultOf,
  type Trial,
  usualProbe,
  warmUp,
  withGateways,
} from '../measure.ts';
import { type ScenarioResult, summarise } from '../results.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';

/** Part of what the slowest can do: a load that all of them bear, and none bears easily. */
const SATURATION = 0.6;
/** Those of which a rate is asked that they can all keep; a framework would bring it down to where nothing shows. */
const ENTRANTS = ['portcullis', 'haproxy-plain', 'haproxy-jwt', 'revision'];

/** How long answers take at a rate that stays the same, whatever they take. */
export const latency: Trial = { name: 'latency', run };

async function run(bench: Bench): Promise<ScenarioResult | undefined> {
  const { name } = latency;
  const { seconds, warmupSeconds } = bench.options;
  const gateways = bench.gateways.filter((gateway) => ENTRANTS.includes(gateway.name));
  if (gateways.length === 0) return undefined;
  const tokenFile = join(bench.directory, `${name}.tokens`);
  writeFileSync(tokenFile, `${(await bench.mint.mint(KNOWN_TOKENS)).join('\n')}\n`);
  const plan = {
    path: '/',
    tokenFile,
    expect: 'forwarded',
    use: 'cycle',
    connections: CONNECTIONS,
  } as const;
  return withGateways(bench, name, gateways, usualProbe, async (contestants) => {
    let slowest = Number.POSITIVE_INFINITY;
    for (const contestant of contestants) {
      const { requestsPerSecond } = await warmUp(contestant, (warming) =>
        measureOnce(bench, warming, { ...plan, seconds: warmupSeconds || seconds }),
      );
      slowest = Math.min(slowest, requestsPerSecond);
    }
    const rate = Math.round(SATURATION * slowest);
    await inRounds(bench, name, contestants, (contestant) =>
      measureOnce(bench, contestant, { ...plan, seconds, rate }),
    );
    const comparison = { figure: 'p99', baselines: ['haproxy-plain', 'haproxy-jwt', 'revision'] } as const;
    return {
      scenario: name,
      description: `tokens in turn, all seen before, ${rate.toLocaleString('en-US')} requests per second`,
      connections: CONNECTIONS,
      tokens: KNOWN_TOKENS,
      comparison,
      gateways: summarise(contestants.map(resultOf), comparison),
      remarks: [
        `the rate is ${SATURATION * 100} % of what the slowest of them can do, ${Math.round(slowest)}/s, sent by ${bench.pacedLoad.name}`,
      ],
    };
  });
}
