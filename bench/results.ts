import { QUANTILES, ratioOf, type Spread, spreadOf } from './stats.ts';

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
  /** Milliseconds at each of `QUANTILES`. */
  readonly curve: readonly number[];
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

/** The compared figure, and the baseline. */
export interface Comparison {
  readonly figure: 'cpuMicros' | 'p99';
  /** The gateways that others are compared with. */
  readonly baselines: readonly string[];
}

/** The gateways of closed loops; the last one is this gateway at another revision, if selected. */
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
  /** The compared figure against each baseline of the same run, round by round. */
  readonly ratios: Readonly<Partial<Record<string, Spread>>>;
  /** Milliseconds at each of `QUANTILES`, medians over the rounds that count. */
  readonly curve: readonly number[];
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly description: string;
  readonly connections: number;
  readonly tokens: number;
  /** Bytes of each body, where bodies are measured. */
  readonly bodyBytes?: number;
  readonly comparison: Comparison;
  readonly gateways: readonly GatewaySummary[];
  /** Remarks about findings or set-up, without a full stop. */
  readonly remarks: readonly string[];
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
  /** Gateways and scenarios that could not take part, with the reason. */
  readonly skipped: Readonly<Record<string, string>>;
  /** Scenarios that could not be measured, with the reason. */
  readonly failed: Readonly<Record<string, string>>;
  readonly scenarios: readonly ScenarioResult[];
}

/** Medians, spreads and ratios of all gateways of one scenario. */
export function summarise(results: readonly GatewayResult[], comparison: Comparison): GatewaySummary[] {
  const { figure, baselines } = comparison;
  const countedOf = ({ rounds }: GatewayResult): (number | undefined)[] =>
    rounds.map((round) => (round.fault === null ? round[figure] : undefined));
  return results.map((result) => {
    const counted = result.rounds.filter((round) => round.fault === null);
    const ratios: Partial<Record<string, Spread>> = {};
    for (const name of baselines) {
      const baseline = results.find((other) => other.gateway === name);
      const ratio = baseline && ratioOf(countedOf(result), countedOf(baseline));
      if (ratio !== undefined) ratios[name] = ratio;
    }
    if (counted.length === 0) return { ...result, summary: null, ratios, curve: [] };
    const spreads = FIGURES.map((name) => [name, spreadOf(counted.map((round) => round[name]))]);
    return {
      ...result,
      summary: Object.fromEntries(spreads) as Record<Figure, Spread>,
      ratios,
      curve: QUANTILES.map((_, at) => spreadOf(counted.map(({ curve }) => curve[at] ?? 0)).median),
    };
  });
}

/** Of one CPU: above it, a process there has no time left. */
const BUSY = 0.9;

/** Whether the load side, and not the gateway, limits the requests per second of this result. */
export function isLoadBound({ summary }: GatewaySummary, loadCpus: number | null): boolean {
  if (summary === null) return false;
  const generator = summary.generatorCores.median;
  const together = generator + summary.upstreamCores.median;
  return generator >= BUSY || (loadCpus !== null && together >= BUSY * loadCpus);
}
