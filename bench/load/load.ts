import type { Latency } from '../stats.ts';

/** `turned away`: refused, or by a gateway too busy to check. */
export type Expectation = 'forwarded' | 'refused' | 'turned away';

/** The responses that count. */
export const STATUSES: Readonly<Record<Expectation, readonly number[]>> = {
  forwarded: [200],
  refused: [401, 403],
  'turned away': [401, 403, 503],
};

/**
 * Milliseconds of a load at a fixed rate that autocannon ignores: its process is slow until its code is compiled, and
 * the delays until then would be the slowest per cent of everything.
 */
export const PACED_LEAD_MS = 1_000;

/** The priority of a process in the background (nice(2)). */
export const LEAST_PRIORITY = 19;

/** The load of one measurement. */
export interface LoadPlan {
  readonly url: string;
  /** One token on each line; an empty line is a request without one. */
  readonly tokenFile: string;
  readonly expect: Expectation;
  readonly use: 'cycle' | 'once';
  readonly connections: number;
  /** Requests under way on each connection: one by default, and more only by HTTP/2. */
  readonly streams?: number;
  /** Duration of a `cycle` load; the warm-up of a generator at a fixed rate comes before it. */
  readonly seconds: number;
  /** Bytes that each request carries, as a POST; a GET without a body by default. */
  readonly uploadBytes?: number;
  /** Runs only on an idle CPU: the measurement beside it must not wait for a CPU because of it. */
  readonly background?: boolean;
  /** Requests per second of all connections together; as many as possible by default. */
  readonly rate?: number;
}

/** The generator's results. */
export interface LoadResult {
  /** Responses with the expected status. */
  readonly completed: number;
  /** Everything else: other statuses, broken connections, time-outs. */
  readonly failures: number;
  readonly seconds: number;
  readonly latency: Latency;
  /** CPU seconds of the generator per second of load: 1 means that it keeps one core busy. */
  readonly generatorCores: number;
}

export interface LoadGenerator {
  readonly name: 'autocannon' | 'wrk' | 'h2load';
  run(plan: LoadPlan): Promise<LoadResult>;
}
