import { pino, stdSerializers, stdTimeFunctions } from 'pino';
import { foreignText, seenJson } from './foreign-text.ts';
import { textLine } from './text-line.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** JSON, or text as `textLine` makes it. */
export type LogFormat = 'json' | 'text';

/** Writes one line for each call. Calls below the level cost next to nothing. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether so much text waits to be written that callers should leave out dispensable lines. Absent: never. */
  readonly crowded?: () => boolean;
}

/** Bytes of log text kept in memory while standard output is blocked. Lines beyond that are dropped. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** The part that dispensable lines may fill; the rest is for faults and warnings. */
const CROWDED_BYTES = MAX_BUFFERED_BYTES / 2;
/**
 * Bytes written at once, in whole lines. Several processes write to one standard output, and a pipe takes a write of at
 * most PIPE_BUF (pipe(7)) as a whole or not at all. A single line above that is rare: fields of the access log and stacks
 * are cut.
 */
const MAX_WRITE_BYTES = 4096;
const MAX_STACK_CHARACTERS = 2000;
const MAX_MESSAGE_CHARACTERS = 500;

/** The prefixes of sd-daemon(3) by level. */
const PRIORITIES: Readonly<Record<LogLevel, string>> = {
  debug: '<7>',
  info: '<6>',
  warn: '<4>',
  error: '<3>',
};

export interface LogOptions {
  readonly level: LogLevel;
  /** Default: JSON. */
  readonly format?: LogFormat | undefined;
  /** Number of the worker that writes. */
  readonly listener?: number;
  /** Lines begin with their priority as systemd's journal takes it (sd-daemon(3)). */
  readonly journal?: boolean;
  /** The target of the lines, for tests. By default they go to standard output, in the background, flushed at exit. */
  readonly destination?: { write(line: string): void };
}

export function createLog(options: LogOptions): Log {
  const { destination } = options;
  if (destination !== undefined) return logTo(options, destination);
  const outlet = pino.destination({
    dest: 1,
    sync: false,
    maxLength: MAX_BUFFERED_BYTES,
    maxWrite: MAX_WRITE_BYTES,
  });
  let waiting = 0;
  outlet.on('write', (bytes: number) => {
    waiting -= bytes;
  });
  outlet.on('drop', (line: string) => {
    waiting -= Buffer.byteLength(line);
  });
  const log = logTo(options, {
    write(line) {
      waiting += Buffer.byteLength(line);
      outlet.write(line);
    },
  });
  return Object.assign(log, { crowded: () => waiting >= CROWDED_BYTES });
}

function logTo(options: LogOptions, destination: { write(line: string): void }): Log {
  const { level, format, listener, journal = false } = options;
  const shown = format === 'text' ? textLine : seenJson;
  const logger = pino(
    {
      level,
      base: listener === undefined ? null : { listener },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
      errorKey: 'error',
      serializers: { error: shownError },
    },
    // The last guard: even if a caller forgets to escape a text, no line controls a terminal.
    { write: (line: string) => destination.write(journal ? priorityOf(line) + shown(line) : shown(line)) },
  );
  return logger;
}

/** The prefix of a line; every line of JSON begins with its level. */
function priorityOf(line: string): string {
  const [, level] = /^\{"level":"(\w+)"/.exec(line) ?? [];
  return PRIORITIES[level as LogLevel] ?? PRIORITIES.info;
}

function shownError(error: Error): object {
  const shown = stdSerializers.err(error);
  if (typeof shown?.stack !== 'string') return shown;
  const { message, stack } = shown;
  if (stack.length <= MAX_STACK_CHARACTERS) return shown;
  // A stack begins with the message, so a short stack has a short message.
  return {
    ...shown,
    message: foreignText(message, MAX_MESSAGE_CHARACTERS),
    stack: `${stack.slice(0, MAX_STACK_CHARACTERS)}…`,
  };
}
