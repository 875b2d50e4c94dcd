import type { Latency } from '../stats.ts';

/** `turned away`: refused, or told that the gateway is too busy to check. */
export type Expectation = 'forwarded' | 'refused' | 'turned away';

/** The answers that count. */
export const STATUSES: Readonly<Record<Expectation, readonly number[]>> = {
  forwarded: [200],
  refused: [401, 403],
  'turned away': [401, 403, 503],
};

/**
 * Milliseconds of a load at a fixed rate that autocannon does not look at: its process is slow until its code is
 * compiled, and what it is late by then would be the slowest per cent of everything.
 */
export const PACED_LEAD_MS = 1_000;

/** Of a process that runs in the background (nice(2)). */
export const LEAST_PRIORITY = 19;

/** What one measurement sends. */
export interface LoadPlan {
  readonly url: string;
  /** One token on each line; an empty line is a request without one. */
  readonly tokenFile: string;
  readonly expect: Expectation;
  readonly use: 'cycle' | 'once';
  readonly connections: number;
  /** Duration of a `cycle` load; what a generator needs to get going at a fixed rate comes before it. */
  readonly seconds: number;
  /** Bytes that each request carries, as a POST; a GET without a body when left out. */
  readonly uploadBytes?: number;
  /** Runs only where nothing else wants to: what is measured beside it must not wait for a CPU because of it. */
  readonly background?: boolean;
  /** Requests per second of all connections together; as many as possible when left out. */
  readonly rate?: number;
}

/** What the generator saw. */
export interface LoadResult {
  /** Answers with the expected status. */
  readonly completed: number;
  /** Everything else: other statuses, broken connections, time-outs. */
  readonly failures: number;
  readonly seconds: number;
  readonly latency: Latency;
  /** CPU seconds of the generator per second of load: 1 means that it keeps one core busy. */
  readonly generatorCores: number;
}

export interface LoadGenerator {
  readonly name: 'autocannon' | 'wrk';
  run(plan: LoadPlan): Promise<LoadResult>;
}
