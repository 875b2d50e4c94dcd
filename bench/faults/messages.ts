/** What a server does with each request, checks included. `expired` is its certificate, and the server speaks TLS. */
export type Mode = 'well' | 'unavailable' | 'slow' | 'reset' | 'expired';

/** Milliseconds of a server for a response, and of a slow one. */
export const USUAL_MS = 10;
export const SLOW_MS = 100 * USUAL_MS;

/** The path of checks. All other paths end with the number of their request. */
export const CHECK_PATH = '/healthz';
export const REQUEST_PATH = '/r/';

/** Connections of a closed loop: of one that shows what a gateway takes, and of a warm-up. */
export const CONNECTIONS = 128;
export const WARM_UP_CONNECTIONS = 32;

/** The response field with the number of the server. */
export const SERVER_FIELD = 'x-server';

export type ServerQuestion = { readonly mode: Mode } | { readonly tell: 'arrivals' | 'last' };

/** Requests that a server has got, without checks. Times are those of `now`. */
export interface Arrivals {
  /** Numbers of requests, and the time of each. */
  readonly requests: readonly number[];
  readonly at: readonly number[];
}

export interface LoadPlan {
  readonly port: number;
  readonly tokenFile: string;
  /** Requests per second at fixed times; undefined: as many as the gateway takes from `CONNECTIONS`. */
  readonly rate?: number;
}

/** In place of a status: the connection ended before a whole response, or was still open when the load ended. */
export const BROKEN_OFF = 0;
export const UNANSWERED = -1;

/** Exit code of the clients when the machine has stood still: what came after would be its fault, and no gateway's. */
export const EXIT_STANDSTILL = 75;

/** Requests by their number. A request that has not begun has no entry. */
export interface LoadLog {
  /** The time when it was due, and the end of its response. */
  readonly start: readonly number[];
  readonly end: readonly number[];
  /** Or `UNANSWERED` or `BROKEN_OFF`. */
  readonly status: readonly number[];
  /** The number of the server that responded; -1 for none. */
  readonly server: readonly number[];
}

/** Milliseconds of a clock that all processes of a machine share (CLOCK_MONOTONIC). */
export function now(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1e3 + nanos / 1e6;
}
