/** `250ms`, `5s`, `10m`, `1h`. */
export const DURATION: RegExp = /^\d{1,9}(ms|s|m|h)$/;
/** `16KiB`, `1MiB`, `1GiB`, or plain bytes. */
export const SIZE: RegExp = /^\d{1,15}(B|KiB|MiB|GiB)?$/;

const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const bytes: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Milliseconds; undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  return DURATION.test(text) ? scale(text, milliseconds) : undefined;
}

/** Bytes; undefined when the text is no size. */
export function parseSize(text: string): number | undefined {
  return SIZE.test(text) ? scale(text, bytes) : undefined;
}

function scale(text: string, units: Readonly<Record<string, number>>): number {
  return Number.parseInt(text, 10) * (units[text.replace(/^\d+/, '')] ?? 1);
}

/** `1KiB/s`: a size for each second. */
export const RATE: RegExp = /^\d{1,15}(B|KiB|MiB|GiB)?\/s$/;

/** Bytes per second; undefined when the text is no rate. */
export function parseRate(text: string): number | undefined {
  return RATE.test(text) ? parseSize(text.slice(0, -'/s'.length)) : undefined;
}

/** The shortest exact form of a duration, for messages and the schema. */
export function formatDuration(value: number): string {
  for (const unit of ['h', 'm', 's']) {
    const factor = milliseconds[unit] as number;
    if (value !== 0 && value % factor === 0) return `${value / factor}${unit}`;
  }
  return value === 0 ? '0s' : `${value}ms`;
}

/** The shortest exact form of a size, for messages and the schema. */
export function formatSize(value: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const factor = bytes[unit] as number;
    if (value !== 0 && value % factor === 0) return `${value / factor}${unit}`;
  }
  return `${value} bytes`;
}
