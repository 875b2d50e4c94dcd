import { spreadOf } from '../stats.ts';
import type { Outcome } from './outcome.ts';

/** The rounds of one fault with one gateway. */
export interface Row {
  readonly fault: string;
  readonly gateway: string;
  readonly outcomes: readonly Outcome[];
}

const COLUMNS = [
  'fault',
  'gateway',
  'failed: under way on it',
  'sent to it later',
  'others',
  'its share is 0 after s',
  'p99 of the others before, ms',
  'with the fault, ms',
  'used again after s',
] as const;

/** Median and range, where the values differ. */
function spread(values: readonly number[], digits: number): string {
  if (values.length === 0) return '–';
  const { median, min, max } = spreadOf(values);
  const text = (value: number): string => value.toFixed(digits);
  return text(min) === text(max) ? text(median) : `${text(median)} (${text(min)}–${text(max)})`;
}

/** A table in Markdown: medians with their ranges. */
export function tableOf(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const body = rows.map(({ fault, gateway, outcomes }) => {
    const over = (of: (outcome: Outcome) => number, digits = 0): string => spread(outcomes.map(of), digits);
    const again = outcomes.flatMap(({ againMs }) => (againMs === undefined ? [] : [againMs / 1000]));
    return line([
      fault,
      gateway,
      over(({ failed }) => failed.underWay),
      over(({ failed }) => failed.later),
      over(({ failed }) => failed.elsewhere),
      over(({ shareMs }) => shareMs / 1000, 2),
      over(({ p99Before }) => p99Before, 1),
      over(({ p99During }) => p99During, 1),
      again.length < outcomes.length
        ? `${spread(again, 1)}, not in ${outcomes.length - again.length} rounds`
        : spread(again, 1),
    ]);
  });
  const rule = COLUMNS.map((_, at) => (at < 2 ? '---' : '---:'));
  return line(COLUMNS) + line(rule) + body.join('');
}
