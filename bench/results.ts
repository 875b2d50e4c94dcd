import { ratioOf, type Spread, spreadOf } from './stats.ts';

/** One load on one gateway. */
export interface Measurement {
  readonly completed: number;
  readonly requestsPerSecond: number;
  /** CPU microseconds (user and system, all processes of the gateway) for each request. */
  readonly cpuMicros: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** CPU seconds per second of the gateway, the load generator and the upstream. */
  readonly gatewayCores: number;
  readonly generatorCores: number;
  readonly upstreamCores: number;
  /** Why this measurement does not count; null when it does. */
  readonly fault: string | null;
}

/** The figures of a measurement that are summarised over the rounds. */
const FIGURES = [
  'cpuMicros',
  'requestsPerSecond',
  'p50',
  'p99',
  'p999',
  'gatewayCores',
  'generatorCores',
  'upstreamCores',
] as const;
type Figure = (typeof FIGURES)[number];

/** The gateways that others are compared with; the last one is this gateway at another revision, if that is asked for. */
export const BASELINES = ['haproxy-plain', 'haproxy-jwt', 'revision'] as const;

export interface GatewayResult {
  readonly gateway: string;
  readonly description: string;
  readonly command: string;
  readonly configuration: string;
  readonly peakMemoryBytes: number;
  /** In the order of the rounds. */
  readonly rounds: readonly Measurement[];
}

export interface GatewaySummary extends GatewayResult {
  /** Over the rounds that count; null when none does. */
  readonly summary: Readonly<Record<Figure, Spread>> | null;
  /** CPU per request against each baseline of the same run, round by round. */
  readonly cpuRatio: Readonly<Partial<Record<string, Spread>>>;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly description: string;
  readonly connections: number;
  readonly tokens: number;
  readonly gateways: readonly GatewaySummary[];
}

export interface RunResult {
  readonly startedAt: string;
  readonly seconds: number;
  readonly command: string;
  readonly load: { readonly generator: string; readonly rounds: number; readonly seconds: number };
  readonly placement: string;
  /** CPUs that generator and upstream share; null when they are not pinned. */
  readonly loadCpus: number | null;
  readonly quick: boolean;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  /** Gateways that could not take part, with the reason. */
  readonly skipped: Readonly<Record<string, string>>;
  readonly scenarios: readonly ScenarioResult[];
}

const countedCpu = ({ rounds }: GatewayResult): (number | undefined)[] =>
  rounds.map((round) => (round.fault === null ? round.cpuMicros : undefined));

/** Medians, spreads and ratios of all gateways of one scenario. */
export function summarise(results: readonly GatewayResult[]): GatewaySummary[] {
  return results.map((result) => {
    const counted = result.rounds.filter((round) => round.fault === null);
    const figure = (name: Figure): Spread => spreadOf(counted.map((round) => round[name]));
    const cpuRatio: Partial<Record<string, Spread>> = {};
    for (const name of BASELINES) {
      const baseline = results.find((other) => other.gateway === name);
      const ratio = baseline && ratioOf(countedCpu(result), countedCpu(baseline));
      if (ratio !== undefined) cpuRatio[name] = ratio;
    }
    const summary =
      counted.length === 0
        ? null
        : (Object.fromEntries(FIGURES.map((name) => [name, figure(name)])) as Record<Figure, Spread>);
    return { ...result, summary, cpuRatio };
  });
}

/** Of one CPU: above it, what runs there has no time left. */
const BUSY = 0.9;

/** Whether the load side, and not the gateway, sets the requests per second of this result. */
export function isLoadBound({ summary }: GatewaySummary, loadCpus: number | null): boolean {
  if (summary === null) return false;
  const generator = summary.generatorCores.median;
  const together = generator + summary.upstreamCores.median;
  return generator >= BUSY || (loadCpus !== null && together >= BUSY * loadCpus);
}
