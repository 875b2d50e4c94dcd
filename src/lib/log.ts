import { pino, stdTimeFunctions } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Writes one JSON line per call; what is below the level costs next to nothing. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Log text kept in memory while nobody reads it; what comes beyond is dropped, so that a stuck reader costs no more. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

export interface LogOptions {
  readonly level: LogLevel;
  /** Where lines go, for tests; standard output by default, written in the background and flushed at exit. */
  readonly destination?: { write(line: string): void };
}

export function createLog(options: LogOptions): Log {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
      errorKey: 'error',
    },
    options.destination ?? pino.destination({ dest: 1, sync: false, maxLength: MAX_BUFFERED_BYTES }),
  );
}
