import type { GatewaySummary, RunResult } from '../results.ts';
import type { Spread } from '../stats.ts';
import { colourOf, page, TOP, text, WIDTH } from './svg.ts';

/** Pixels of the parts of the picture. */
const LABELS = 170;
const FIGURES = 210;
const BAR = 20;
const GAP = 6;
const GROUP_HEAD = 34;
const GROUP_GAP = 22;

export interface Bars {
  readonly heading: string;
  readonly figure: (summary: NonNullable<GatewaySummary['summary']>) => Spread;
  /** The label after a bar. */
  readonly label: (result: GatewaySummary, value: Spread) => string;
}

/**
 * An SVG document with a group for each closed loop, each to its own scale because they lie far apart, and in it a bar
 * for each gateway, with a line over all its rounds.
 */
export function barChart(run: RunResult, { heading, figure, label }: Bars): string {
  const drawing: string[] = [];
  let y = TOP;
  for (const { scenario, description, comparison, gateways } of run.scenarios) {
    if (comparison.figure !== 'cpuMicros') continue;
    const most = Math.max(...gateways.map(({ summary }) => (summary === null ? 0 : figure(summary).max)));
    const scale = (WIDTH - LABELS - FIGURES) / (most || 1);
    drawing.push(text(16, y + 14, scenario, 'class="group"'));
    drawing.push(text(LABELS, y + 14, description, 'class="quiet"'));
    y += GROUP_HEAD - GAP;
    for (const [at, result] of gateways.entries()) {
      const { gateway, summary } = result;
      const middle = y + BAR / 2;
      drawing.push(text(LABELS - 10, middle + 4.5, gateway, 'text-anchor="end"'));
      if (summary === null) {
        drawing.push(text(LABELS + 6, middle + 4.5, 'no round counts', 'class="quiet"'));
      } else {
        const value = figure(summary);
        const [from, to] = [LABELS + value.min * scale, LABELS + value.max * scale];
        drawing.push(
          `<rect x="${LABELS}" y="${y}" width="${(value.median * scale).toFixed(1)}" height="${BAR}" rx="2" fill="${colourOf(gateway, at)}"/>`,
          `<path d="M${from.toFixed(1)} ${middle}H${to.toFixed(1)}" class="spread"/>`,
          text(to + 8, middle + 4.5, label(result, value)),
        );
      }
      y += BAR + GAP;
    }
    y += GROUP_GAP;
  }
  return page(run, heading, `${run.load.generator}, each scenario to its own scale`, y, drawing);
}
