import type { Gateway } from '../gateways/gateway.ts';
import {
  type Bench,
  inRounds,
  measureOnce,
  type Plan,
  tableOf,
  usualProbe,
  warmUp,
  withGateways,
  writeTokens,
} from '../measure.ts';
import type { ScenarioResult } from '../results.ts';

export interface SideBySide {
  readonly name: string;
  readonly description: string;
  readonly gateways: readonly Gateway[];
  /** Names of the gateways to compare CPU per request with. */
  readonly baselines: readonly string[];
  /** Distinct tokens, all seen before. */
  readonly tokens: number;
  readonly connections: number;
  /** Requests under way on each connection; one by default. */
  readonly streams?: number;
}

/** Known tokens through gateways of a trial's own, as many requests as they take. */
export async function sideBySide(bench: Bench, trial: SideBySide): Promise<ScenarioResult> {
  const { name, description, gateways, baselines, tokens, connections, streams = 1 } = trial;
  const plan: Plan = {
    path: '/',
    tokenFile: writeTokens(bench, `${name}.tokens`, await bench.mint.known(tokens)),
    expect: 'forwarded',
    use: 'cycle',
    connections,
    streams,
  };
  return withGateways(bench, name, gateways, usualProbe, async (contestants) => {
    if (bench.options.warmupSeconds > 0) {
      for (const contestant of contestants) await warmUp(bench, contestant, plan);
    }
    await inRounds(bench, name, contestants, (contestant) => measureOnce(bench, contestant, plan));
    return {
      scenario: name,
      description,
      connections,
      tokens,
      ...tableOf(contestants, { figure: 'cpuMicros', baselines }),
      remarks: [],
    };
  });
}
