export type Expectation = 'forwarded' | 'refused';

/** What one measurement sends. */
export interface LoadPlan {
  readonly url: string;
  /** One token on each line; an empty line is a request without one. */
  readonly tokenFile: string;
  /** The answers that count: 200, or 401 and 403. */
  readonly expect: Expectation;
  readonly use: 'cycle' | 'once';
  readonly connections: number;
  /** Duration of a `cycle` load. */
  readonly seconds: number;
}

/** What the generator saw. */
export interface LoadResult {
  /** Answers with the expected status. */
  readonly completed: number;
  /** Everything else: other statuses, broken connections, time-outs. */
  readonly failures: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly p999: number };
  /** CPU seconds of the generator per second of load: 1 means that it keeps one core busy. */
  readonly generatorCores: number;
}

export interface LoadGenerator {
  readonly name: 'autocannon' | 'wrk';
  run(plan: LoadPlan): Promise<LoadResult>;
}
