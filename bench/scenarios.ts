export interface Scenario {
  readonly name: string;
  /** Follows the number of tokens: `20,000 tokens, …`. */
  readonly description: string;
  /** Distinct tokens of one measurement. */
  readonly tokens: number;
  /**
   * `cycle`: the tokens go round for a fixed time, the same ones in every round, so the gateway has seen them
   * all before. `once`: each is sent exactly once and the measurement ends with the last one; every round gets
   * a fresh set.
   */
  readonly use: 'cycle' | 'once';
  readonly connections: number;
}

const CONNECTIONS = 64;

export const scenarios: readonly Scenario[] = [
  {
    name: 'hit-1',
    description: 'token, seen before',
    tokens: 1,
    use: 'cycle',
    connections: CONNECTIONS,
  },
  {
    name: 'hit-1000',
    description: 'tokens in turn, all seen before',
    tokens: 1_000,
    use: 'cycle',
    connections: CONNECTIONS,
  },
  {
    name: 'miss',
    description: 'tokens, each seen once',
    tokens: 20_000,
    use: 'once',
    connections: CONNECTIONS,
  },
];
