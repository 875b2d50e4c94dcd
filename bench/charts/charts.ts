import type { RunResult } from '../results.ts';
import { barChart } from './bars.ts';
import { curveChart } from './curves.ts';

export interface Chart {
  readonly file: string;
  readonly svg: string;
}

/** Scenarios with a drawn distribution of latencies, and its title. */
const CURVES = [
  ['latency', 'Latency at 60 % of what the slowest can do (less is better)'],
  ['flood', 'Latency of known tokens while forged ones flood in (less is better)'],
] as const;

/** Every picture for which this run has the figures. */
export function charts(run: RunResult): readonly Chart[] {
  const cpu = barChart(run, {
    heading: 'CPU microseconds per request (less is better)',
    figure: ({ cpuMicros }) => cpuMicros,
    label: ({ gateway, ratios }, { median }) => {
      const ratio = ratios['haproxy-plain'];
      const against =
        ratio === undefined || gateway === 'haproxy-plain' ? '' : `  (${ratio.median.toFixed(2)} × plain)`;
      return `${median.toFixed(1)} µs${against}`;
    },
  });
  const throughput = barChart(run, {
    heading: 'Requests per second (more is better)',
    figure: ({ requestsPerSecond }) => requestsPerSecond,
    label: (_, { median }) => Math.round(median).toLocaleString('en-US'),
  });
  const drawn = CURVES.flatMap(([name, heading]) => {
    const scenario = run.scenarios.find((result) => result.scenario === name);
    return scenario === undefined
      ? []
      : [{ file: `latest-${name}.svg`, svg: curveChart(run, scenario, heading) }];
  });
  return [{ file: 'latest.svg', svg: cpu }, { file: 'latest-throughput.svg', svg: throughput }, ...drawn];
}
