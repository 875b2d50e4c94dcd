import type { Config } from '../config/config.ts';
import type { AccessLogConfig } from '../config/records-config.ts';
import type { Clock } from '../lib/clock.ts';
import { seenJson } from '../lib/foreign-text.ts';
import type { Log } from '../lib/log.ts';
import { fieldsText } from '../lib/text-line.ts';
import type { LineOutlet } from './line-outlet.ts';

type Fields = Readonly<Record<string, unknown>>;
/** The part of a log that takes the lines of requests. */
export type AccessSink = Pick<Log, 'info' | 'crowded'>;

/**
 * Where the lines of requests go, and how they look: those of the log with chosen fields, or those of an outlet, which
 * have no level and no message.
 * @param outlet undefined: the log.
 */
export function accessSink(
  { format, accessLog }: Config['log'],
  log: Log,
  outlet: LineOutlet | undefined,
  clock: Pick<Clock, 'wall'>,
): AccessSink {
  const choose = chooser(accessLog);
  if (outlet !== undefined) {
    const shown = (accessLog?.format ?? format) === 'text' ? fieldsText : jsonText;
    return {
      info: (fields) =>
        outlet.write(`${shown(choose({ time: new Date(clock.wall()).toISOString(), ...fields }))}\n`),
      crowded: () => outlet.crowded,
    };
  }
  if (accessLog?.fields === undefined) return log;
  return {
    info: (fields, message) => log.info(choose(fields as Fields), message),
    crowded: () => log.crowded?.() === true,
  };
}

/** The chosen fields in their order, and the claims behind them. */
function chooser(config: AccessLogConfig | undefined): (fields: Fields) => Fields {
  const names = config?.fields;
  if (names === undefined) return (fields) => fields;
  const all = [...names, 'claims'];
  return (fields) =>
    Object.fromEntries(all.filter((name) => name in fields).map((name) => [name, fields[name]]));
}

function jsonText(fields: Fields): string {
  return seenJson(JSON.stringify(fields));
}
