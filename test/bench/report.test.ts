import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { charts } from '../../bench/charts/charts.ts';
import { markdownReport, textReport, withResults } from '../../bench/report.ts';
import {
  BASELINES,
  type GatewayResult,
  type Measurement,
  type RunResult,
  type ScenarioResult,
  summarise,
} from '../../bench/results.ts';

const measured = (cpuMicros: number, fault: string | null = null, generatorCores = 0.5): Measurement => ({
  completed: 1_000,
  requestsPerSecond: 2_000,
  cpuMicros,
  p50: 1,
  p99: 2,
  p999: 3,
  curve: [1, 1.2, 1.4, 1.6, 2, 2.5, 3],
  gatewayCores: 1,
  generatorCores,
  upstreamCores: 0.2,
  fault,
});
const gateway = (name: string, rounds: readonly Measurement[]): GatewayResult => ({
  gateway: name,
  description: '',
  command: '',
  configuration: '',
  peakMemoryBytes: 3 * 2 ** 20,
  rounds,
});
const byCpu = { figure: 'cpuMicros', baselines: BASELINES } as const;
const byP99 = { figure: 'p99', baselines: ['calm'] } as const;
const runOf = (results: readonly GatewayResult[], changes: Partial<ScenarioResult> = {}): RunResult => ({
  startedAt: '2026-01-01T00:00:00.000Z',
  seconds: 1,
  command: 'npm run bench --',
  load: { generator: 'wrk', rounds: 3, seconds: 10 },
  placement: 'pinned',
  loadCpus: 1,
  quick: false,
  machine: { cpu: 'A <fast> & "good" one', cores: 2, memoryGiB: 4, kernel: 'Linux', loadBefore: 0 },
  versions: { node: 'v20' },
  skipped: {},
  failed: {},
  scenarios: [
    {
      scenario: 's',
      description: 'd',
      connections: 64,
      tokens: 1,
      comparison: byCpu,
      gateways: summarise(results, changes.comparison ?? byCpu),
      remarks: [],
      ...changes,
    },
  ],
});
const plain = gateway('haproxy-plain', [measured(10), measured(20), measured(10)]);

describe('a summary', () => {
  it('compares gateways within each round, and only in rounds that count for both', () => {
    const [first] = summarise(
      [gateway('a', [measured(12), measured(30, 'broken'), measured(11)]), plain],
      byCpu,
    );
    assert.ok(first?.summary);
    assert.deepEqual(first.summary.cpuMicros, { median: 11.5, min: 11, max: 12 });
    assert.deepEqual(first.ratios, { 'haproxy-plain': { median: 1.15, min: 1.1, max: 1.2 } });
  });

  it('of rounds that do not count has no figures', () => {
    const [first] = summarise([gateway('a', [measured(12, 'broken')]), plain], byCpu);
    assert.equal(first?.summary, null);
    assert.deepEqual(first?.ratios, {});
  });
});

describe('a report', () => {
  it('shows medians, ranges and ratios, and says which rounds do not count', () => {
    const run = runOf([gateway('a', [measured(12), measured(30, 'broken'), measured(11)]), plain]);
    const markdown = markdownReport(run);
    assert.match(markdown, /^\| a \| 11\.5 \(11\.0–12\.0\) \| 1\.15 \(1\.10–1\.20\) \| – \| 2000 \|/m);
    assert.match(markdown, /^s, a, round 2 does not count: broken$/m);
    assert.doesNotMatch(markdown, /\\\*/);
    assert.match(textReport(run), /^a +11\.5 \(11\.0–12\.0\) +1\.15/m);
  });

  it('marks requests per second that the load generator limits', () => {
    const markdown = markdownReport(runOf([gateway('a', [measured(12, null, 0.75)]), plain]));
    assert.match(markdown, /^\| a .*\| 2000 \* \|/m);
    assert.match(markdown, /^\| haproxy-plain .*\| 2000 \|/m);
    assert.match(markdown, /^\\\* wrk and the upstream were the bottleneck/m);
  });

  it('stays between its markers in the README', () => {
    const before = 'top\n<!-- results -->\nold\n<!-- /results -->\nend\n';
    assert.equal(withResults(before, 'new\n'), 'top\n<!-- results -->\nnew\n<!-- /results -->\nend\n');
    assert.throws(() => withResults('top\n', 'new\n'), /markers/);
  });
});

const cpuChart = (run: RunResult): string => {
  const [{ svg } = { svg: '' }] = charts(run);
  return svg;
};

describe('a scenario', () => {
  it('with large bodies shows how much a CPU carries', () => {
    const run = runOf([gateway('a', [measured(500), measured(1000), measured(400)])], {
      bodyBytes: 1_000_000,
    });
    assert.match(markdownReport(run), /^\| a \| 500\.0 \([^)]*\) \| 2\.00 \(1\.00–2\.50\) \|/m);
  });

  it('may compare latencies, with notes below its table', () => {
    const rounds = [measured(1)];
    const slow = rounds.map((round) => ({ ...round, p99: 3 }));
    const run = runOf([gateway('calm', rounds), gateway('flooded', slow)], {
      scenario: 'flood',
      comparison: byP99,
      remarks: ['it rained'],
    });
    const markdown = markdownReport(run);
    assert.match(markdown, /^\| flooded \| 1\.0 \| 1\.50 \|/m);
    assert.match(markdown, /^it rained\.$/m);
    assert.match(textReport(run), /^it rained$/m);
    const curves = charts(run).find(({ file }) => file === 'latest-flood.svg');
    assert.match(curves?.svg ?? '', />flooded {2}3\.00</);
    assert.equal(curves?.svg.match(/class="curve"/g)?.length, 2);
  });
});

describe('the chart', () => {
  it('draws a bar to scale for each gateway with figures', () => {
    const chart = cpuChart(
      runOf([gateway('a', [measured(40)]), gateway('b', [measured(1, 'broken')]), plain]),
    );
    const widths = [...chart.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) =>
      Number(width),
    );
    assert.equal(widths.length, 2);
    assert.equal(widths[0], 4 * (widths[1] as number));
    assert.match(chart, />no round counts</);
  });

  it('escapes what comes from the machine', () => {
    const chart = cpuChart(runOf([plain]));
    assert.match(chart, /A &lt;fast&gt; &amp; &quot;good&quot; one/);
  });
});
