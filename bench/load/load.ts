/** What one measurement sends. */
export interface LoadPlan {
  readonly url: string;
  /** One token on each line. */
  readonly tokenFile: string;
  readonly use: 'cycle' | 'once';
  readonly connections: number;
  /** Duration of a `cycle` load. */
  readonly seconds: number;
}

/** What the generator saw. */
export interface LoadResult {
  /** Answers with status 200. */
  readonly completed: number;
  /** Everything that was not a 200: other statuses, broken connections, time-outs. */
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
