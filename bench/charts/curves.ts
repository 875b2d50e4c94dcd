import type { RunResult, ScenarioResult } from '../results.ts';
import { QUANTILES } from '../stats.ts';
import { colourOf, page, TOP, text, WIDTH } from './svg.ts';

/** Pixels of the parts of the picture. */
const LEFT = 80;
const RIGHT = 200;
const PLOT = 300;
const FOOT = 70;
/** Between two names at the ends of curves. */
const NAME = 18;
const LINES = 5;

/** Each nine is as far from the last as the one before, because users wait for the rare cases. */
const places = QUANTILES.map((share) => -Math.log10(1 - share));

/** An SVG document with the distribution of latencies, a curve for each gateway of one scenario. */
export function curveChart(run: RunResult, scenario: ScenarioResult, heading: string): string {
  const gateways = scenario.gateways.filter(({ curve }) => curve.length > 0);
  const most = niceCeiling(Math.max(0.1, ...gateways.flatMap(({ curve }) => curve)));
  const [first, last] = [places[0] as number, places.at(-1) as number];
  const x = (at: number): number =>
    LEFT + (((places[at] as number) - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
  const y = (ms: number): number => TOP + 30 + PLOT - (ms / most) * PLOT;
  const drawing = [text(16, TOP + 10, `${scenario.description}; milliseconds`, 'class="quiet"')];
  for (let line = 0; line <= LINES; line += 1) {
    const ms = (most * line) / LINES;
    drawing.push(
      `<path d="M${LEFT} ${y(ms).toFixed(1)}H${WIDTH - RIGHT}" class="grid"/>`,
      text(LEFT - 10, y(ms) + 4.5, String(Number(ms.toPrecision(3))), 'text-anchor="end"'),
    );
  }
  for (const [at, share] of QUANTILES.entries()) {
    const name = `${Number((share * 100).toFixed(2))} %`;
    drawing.push(text(x(at), y(0) + 22, name, 'text-anchor="middle"'));
  }
  drawing.push(text(LEFT, y(0) + 46, 'so many of the answers came within that time', 'class="quiet"'));
  // From the top down, so that names whose curves end close together can make room below.
  const ends = gateways
    .map(({ gateway, curve }, at) => ({
      gateway,
      curve,
      colour: colourOf(gateway, at),
      end: y(curve.at(-1) ?? 0),
    }))
    .sort((left, right) => left.end - right.end);
  let free = Number.NEGATIVE_INFINITY;
  for (const { gateway, curve, colour, end } of ends) {
    const points = curve.map((ms, at) => `${x(at).toFixed(1)} ${y(ms).toFixed(1)}`);
    const at = Math.max(end, free);
    free = at + NAME;
    drawing.push(
      `<path d="M${points.join('L')}" class="curve" stroke="${colour}"/>`,
      text(WIDTH - RIGHT + 10, at + 4.5, `${gateway}  ${(curve.at(-1) ?? 0).toFixed(2)}`),
      `<path d="M${WIDTH - RIGHT + 1} ${at.toFixed(1)}h6" stroke="${colour}" stroke-width="3"/>`,
    );
  }
  return page(run, heading, `${run.load.generator} at a fixed rate`, TOP + 30 + PLOT + FOOT, drawing);
}

/** The next of 1, 2, 2.5, 5 and 10 times a power of ten. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}
