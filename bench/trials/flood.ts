import { setTimeout as delay } from 'node:timers/promises';
import { portcullisWith } from '../gateways/portcullis.ts';
import { PACED_LEAD_MS } from '../load/load.ts';
import {
  type Bench,
  includesOurs,
  inRounds,
  knownPlan,
  measureOnce,
  type Plan,
  type Trial,
  tableOf,
  usualProbe,
  warmUp,
  withGateways,
  writeTokens,
} from '../measure.ts';
import type { ScenarioResult } from '../results.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';
import { spreadOf } from '../stats.ts';

/** Requests per second with known tokens: far below the gateway's capacity. */
const HITS_PER_SECOND = 1_000;
/** Multiple of the gateway's verification capacity. */
const TOO_MUCH = 2;
/** More than the gateway can have in flight, so that the flood does not wait for responses. */
const FLOOD_CONNECTIONS = 512;
/** Milliseconds of flood before anything is measured. */
const LEAD_MS = 500;
/** Distinct forged tokens: so many that none is still known as refused when it is repeated. */
const FORGED_TOKENS = 40_000;

/** Latency of known tokens during a flood of twice as many forged ones as can be checked. */
export const flood: Trial = { name: 'flood', run };

async function run(bench: Bench): Promise<ScenarioResult | undefined> {
  if (!includesOurs(bench)) return undefined;
  const { name } = flood;
  const { seconds, share } = bench.options;
  const count = Math.max(FLOOD_CONNECTIONS, FORGED_TOKENS * share);
  const forgedFile = writeTokens(bench, `${name}.forged`, await bench.mint.mintWrong(count, 'forged'));
  const hits: Plan = { ...(await knownPlan(bench, name, CONNECTIONS)), rate: HITS_PER_SECOND };
  const checks: Plan = {
    path: '/',
    tokenFile: forgedFile,
    expect: 'refused',
    use: 'cycle',
    connections: CONNECTIONS,
  };
  const entrants = [
    portcullisWith('calm', 'portcullis without a flood'),
    portcullisWith('flooded', 'portcullis with forged tokens at twice the rate that it can check'),
  ];
  return withGateways(bench, name, entrants, usualProbe, async (contestants) => {
    let capacity = 0;
    for (const contestant of contestants) {
      if (bench.options.warmupSeconds > 0) await warmUp(bench, contestant, hits);
      const checked = await warmUp(bench, contestant, checks);
      capacity = Math.max(capacity, checked.requestsPerSecond);
    }
    const offered = Math.round(TOO_MUCH * capacity);
    const turnedAway: number[] = [];
    await inRounds(bench, name, contestants, async (contestant) => {
      if (contestant.gateway.name === 'calm') return measureOnce(bench, contestant, hits);
      const flooded = bench.load.run({
        url: `http://127.0.0.1:${contestant.running.port}/`,
        tokenFile: forgedFile,
        expect: 'turned away',
        use: 'cycle',
        connections: FLOOD_CONNECTIONS,
        background: true,
        seconds: Math.ceil(seconds + (PACED_LEAD_MS + 2 * LEAD_MS) / 1000),
        rate: offered,
      });
      await delay(LEAD_MS);
      const measured = await measureOnce(bench, contestant, hits);
      const { completed, failures, seconds: lasted } = await flooded;
      turnedAway.push(completed / lasted);
      return failures === 0 ? measured : { ...measured, fault: `${failures} requests of the flood failed` };
    });
    return {
      scenario: name,
      description: `tokens in turn, all seen before, ${HITS_PER_SECOND.toLocaleString('en-US')} requests per second`,
      connections: CONNECTIONS,
      tokens: KNOWN_TOKENS,
      ...tableOf(contestants, { figure: 'p99', baselines: ['calm'] }),
      remarks: [
        `the gateway can check ${Math.round(capacity)} forged tokens per second; it was sent ${offered} per second over ${FLOOD_CONNECTIONS} connections, of which ${bench.load.name} got ${Math.round(spreadOf(turnedAway).median)} answered`,
        'CPU per request counts the requests with known tokens alone, so it means nothing here',
      ],
    };
  });
}
