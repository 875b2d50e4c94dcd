import {
  type Bench,
  inRounds,
  knownPlan,
  measureOnce,
  type Trial,
  tableOf,
  usualProbe,
  warmUp,
  withGateways,
} from '../measure.ts';
import { BASELINES, type ScenarioResult } from '../results.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';

/** Share of the slowest gateway's capacity: a load that all of them bear, and none bears easily. */
const SATURATION = 0.6;
/** The gateways whose common rate is chosen; a framework would lower it to where nothing shows. */
const ENTRANTS = ['portcullis', 'haproxy-plain', 'haproxy-jwt', 'revision'];

/** Latency at a fixed rate, which slow responses do not lower. */
export const latency: Trial = { name: 'latency', run };

async function run(bench: Bench): Promise<ScenarioResult | undefined> {
  const { name } = latency;
  const gateways = bench.gateways.filter((gateway) => ENTRANTS.includes(gateway.name));
  if (gateways.length === 0) return undefined;
  const plan = await knownPlan(bench, name, CONNECTIONS);
  return withGateways(bench, name, gateways, usualProbe, async (contestants) => {
    let slowest = Number.POSITIVE_INFINITY;
    for (const contestant of contestants) {
      const { requestsPerSecond } = await warmUp(bench, contestant, plan);
      slowest = Math.min(slowest, requestsPerSecond);
    }
    const rate = Math.round(SATURATION * slowest);
    await inRounds(bench, name, contestants, (contestant) =>
      measureOnce(bench, contestant, { ...plan, rate }),
    );
    return {
      scenario: name,
      description: `tokens in turn, all seen before, ${rate.toLocaleString('en-US')} requests per second`,
      connections: CONNECTIONS,
      tokens: KNOWN_TOKENS,
      ...tableOf(contestants, { figure: 'p99', baselines: BASELINES }),
      remarks: [
        `the rate is ${SATURATION * 100} % of what the slowest of them can do, ${Math.round(slowest)}/s`,
      ],
    };
  });
}
