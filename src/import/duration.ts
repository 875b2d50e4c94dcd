const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a time in HAProxy's form, `30s` or plain milliseconds; undefined for what is none. */
export function readDuration(text: string | undefined): number | undefined {
  const [, number, unit = 'ms'] = /^(\d{1,12})(us|ms|s|m|h|d)?$/.exec(text ?? '') ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS[unit] as number);
}

/** Milliseconds as our configuration has them, between its bounds. */
export function writeDuration(milliseconds: number, least: number, most: number): string {
  const value = Math.round(Math.min(Math.max(milliseconds, least), most));
  if (value % 3_600_000 === 0 && value > 0) return `${value / 3_600_000}h`;
  if (value % 60_000 === 0 && value > 0) return `${value / 60_000}m`;
  return value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`;
}
