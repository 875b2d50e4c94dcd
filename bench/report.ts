import { type GatewaySummary, isLoadBound, type RunResult, type ScenarioResult } from './results.ts';
import type { Spread } from './stats.ts';

/** Of a scenario's table. @param baselines the gateways to compare with. */
function headings(
  { comparison, bodyBytes }: ScenarioResult,
  baselines: readonly string[],
): readonly string[] {
  const what = comparison.figure === 'p99' ? 'p99 ' : '';
  return [
    'gateway',
    'CPU µs / request',
    ...(bodyBytes === undefined ? [] : ['GB / CPU s']),
    ...baselines.map((name) => `${what}× ${name}`),
    'requests/s',
    'p50 ms',
    'p99 ms',
    'p99.9 ms',
    'peak MiB',
  ];
}

/** The baselines that a reader expects: HAProxy, even if it is missing, and another revision if there is one. */
function baselinesOf({ comparison, gateways }: ScenarioResult): readonly string[] {
  const hasRevision = gateways.some(({ gateway }) => gateway === 'revision');
  return comparison.baselines.filter((name) => name !== 'revision' || hasRevision);
}

/** `median (min–max)`; the median alone for a single round. */
function spread(value: Spread | undefined, digits: number): string {
  if (value === undefined) return '–';
  const show = (number: number): string => number.toFixed(digits);
  return value.min === value.max
    ? show(value.median)
    : `${show(value.median)} (${show(value.min)}–${show(value.max)})`;
}

function row(
  scenario: ScenarioResult,
  result: GatewaySummary,
  loadCpus: number | null,
  baselines: readonly string[],
): readonly string[] {
  const { gateway, summary, ratios, peakMemoryBytes } = result;
  const { bodyBytes } = scenario;
  if (summary === null) {
    const others = headings(scenario, baselines).slice(2);
    return [gateway, 'no round counts', ...others.map(() => '–')];
  }
  const { median, min, max } = summary.cpuMicros;
  // Bytes per microsecond are megabytes per second; the cheapest round carries the most.
  const carried = (micros: number): number => (bodyBytes ?? 0) / micros / 1000;
  const throughput = { median: carried(median), min: carried(max), max: carried(min) };
  return [
    gateway,
    spread(summary.cpuMicros, 1),
    ...(bodyBytes === undefined ? [] : [spread(throughput, 2)]),
    ...baselines.map((name) => spread(ratios[name], 2)),
    `${Math.round(summary.requestsPerSecond.median)}${isLoadBound(result, loadCpus) ? ' *' : ''}`,
    summary.p50.median.toFixed(2),
    summary.p99.median.toFixed(2),
    summary.p999.median.toFixed(2),
    (peakMemoryBytes / 2 ** 20).toFixed(0),
  ];
}

const title = ({ scenario, description, connections }: ScenarioResult): string =>
  `${scenario}: ${description}; ${connections} connections`;

function notes(run: RunResult): string[] {
  const lines = Object.entries(run.skipped).map(([gateway, reason]) => `${gateway} was skipped: ${reason}`);
  for (const [scenario, reason] of Object.entries(run.failed)) lines.push(`${scenario} failed: ${reason}`);
  for (const { scenario, gateways } of run.scenarios) {
    for (const { gateway, rounds } of gateways) {
      for (const [index, { fault }] of rounds.entries()) {
        if (fault !== null)
          lines.push(`${scenario}, ${gateway}, round ${index + 1} does not count: ${fault}`);
      }
    }
  }
  if (run.scenarios.some(({ gateways }) => gateways.some((result) => isLoadBound(result, run.loadCpus)))) {
    lines.push(
      `* ${run.load.generator} and the upstream were the bottleneck, not the gateway: requests/s and latency are their limits; CPU per request holds`,
    );
  }
  if (run.quick) lines.push('quick mode: one short round, only to show that the benchmark works');
  return lines;
}

/** Machine, versions and command, a line each. */
function environment(run: RunResult): string[] {
  const { machine, versions, load } = run;
  return [
    `${machine['cpu']}, ${machine['cores']} cores, ${machine['memoryGiB']} GiB, ${machine['kernel']}, load before ${machine['loadBefore']}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    `${load.generator}, ${load.rounds === 1 ? 'one round' : `${load.rounds} interleaved rounds`} of ${load.seconds} s, ${run.startedAt}, ${run.placement}`,
    run.command,
  ];
}

/** For a terminal. */
export function textReport(run: RunResult): string {
  const lines = [...environment(run)];
  for (const result of run.scenarios) {
    const baselines = baselinesOf(result);
    const titles = headings(result, baselines);
    const rows = [titles, ...result.gateways.map((gateway) => row(result, gateway, run.loadCpus, baselines))];
    const widths = titles.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
    lines.push('', title(result));
    for (const cells of rows) {
      const padded = cells.map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      });
      lines.push(padded.join('  ').trimEnd());
    }
    lines.push(...result.remarks);
  }
  return `${[...lines, '', ...notes(run)].join('\n').trimEnd()}\n`;
}

/** The same as Markdown. */
export function markdownReport(run: RunResult): string {
  const [machine, versions, load, command] = environment(run);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const lines = [`${machine}.`, '', `${versions}.`, '', `${load}: \`${command}\``];
  for (const result of run.scenarios) {
    const baselines = baselinesOf(result);
    const titles = headings(result, baselines);
    lines.push('', `**${title(result)}**`, '', line(titles));
    lines.push(line(titles.map((_, column) => (column === 0 ? '---' : '---:'))));
    lines.push(...result.gateways.map((gateway) => line(row(result, gateway, run.loadCpus, baselines))));
    for (const remark of result.remarks) lines.push('', `${remark}.`);
  }
  for (const note of notes(run)) lines.push('', note.replace(/^\* /, '\\* '));
  return `${lines.join('\n')}\n`;
}

const README_START = '<!-- results -->';
const README_END = '<!-- /results -->';

/** The README with a new table between its two markers. */
export function withResults(readme: string, table: string): string {
  const start = readme.indexOf(README_START);
  const end = readme.indexOf(README_END);
  if (start === -1 || end < start)
    throw new Error(`the markers ${README_START} and ${README_END} are missing`);
  return `${readme.slice(0, start + README_START.length)}\n${table}${readme.slice(end)}`;
}
