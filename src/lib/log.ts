import { pino, stdTimeFunctions } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Writes one JSON line per call; what is below the level costs next to nothing. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether so much waits to be written that lines which can be spared should be left out. Absent: never. */
  readonly crowded?: () => boolean;
}

/** Log text kept in memory while nobody reads it; what comes beyond is dropped, so that a stuck reader costs no more. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** The part of it that lines which can be spared may fill; what is above is kept for faults and warnings. */
const CROWDED_BYTES = MAX_BUFFERED_BYTES / 2;

export interface LogOptions {
  readonly level: LogLevel;
  /** Where lines go, for tests; standard output by default, written in the background and flushed at exit. */
  readonly destination?: { write(line: string): void };
}

export function createLog(options: LogOptions): Log {
  if (options.destination !== undefined) return logTo(options.level, options.destination);
  const outlet = pino.destination({ dest: 1, sync: false, maxLength: MAX_BUFFERED_BYTES });
  let waiting = 0;
  outlet.on('write', (bytes: number) => {
    waiting -= bytes;
  });
  outlet.on('drop', (line: string) => {
    waiting -= Buffer.byteLength(line);
  });
  const log = logTo(options.level, {
    write(line) {
      waiting += Buffer.byteLength(line);
      outlet.write(line);
    },
  });
  return Object.assign(log, { crowded: () => waiting >= CROWDED_BYTES });
}

function logTo(level: LogLevel, destination: { write(line: string): void }): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
      errorKey: 'error',
    },
    destination,
  );
  return logger;
}
