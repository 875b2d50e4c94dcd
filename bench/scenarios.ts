export type Wrong = 'absent' | 'expired' | 'forged';

/** A closed loop: each connection sends its next request after its last response. */
export interface Scenario {
  readonly name: string;
  /** Follows the number of tokens: `20,000 tokens, …`. */
  readonly description: string;
  /** Distinct tokens of one measurement. */
  readonly tokens: number;
  /**
   * `cycle`: the tokens repeat for a fixed time, the same ones in every round, so the gateway has seen them all before.
   * `once`: each is sent exactly once and the measurement ends with the last one; every round gets a fresh set.
   */
  readonly use: 'cycle' | 'once';
  /** Of a `once` load: one in that many tokens is new, the others are a thousand known ones. All are new by default. */
  readonly oneNewIn?: number;
  /** The fault of the tokens, for which every request must be refused; absent for good ones. */
  readonly wrong?: Wrong;
  readonly connections: number;
  /** Bytes of each response; a few by default. */
  readonly responseBytes?: number;
  /** Bytes that each request carries, as a POST; a GET without a body by default. */
  readonly uploadBytes?: number;
}

export const CONNECTIONS = 64;
/** For large bodies: enough to keep a gateway busy, and they still fit into the caches of neither side alone. */
const FEW_CONNECTIONS = 16;
/** Distinct tokens that a load uses as known ones. */
export const KNOWN_TOKENS = 1_000;
const KIB = 1024;

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
    tokens: KNOWN_TOKENS,
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
  {
    name: 'mixed',
    description: 'requests, every twentieth with a token never seen, the others with 1,000 seen before',
    tokens: 60_000,
    use: 'once',
    oneNewIn: 20,
    connections: CONNECTIONS,
  },
  {
    name: 'reject-absent',
    description: 'kind of request, without any token',
    tokens: 1,
    use: 'cycle',
    wrong: 'absent',
    connections: CONNECTIONS,
  },
  {
    name: 'reject-expired',
    description: 'tokens in turn, all signed well and expired',
    tokens: KNOWN_TOKENS,
    use: 'cycle',
    wrong: 'expired',
    connections: CONNECTIONS,
  },
  {
    name: 'reject-forged',
    description: 'tokens in turn, all with a signature that is not theirs',
    tokens: KNOWN_TOKENS,
    use: 'cycle',
    wrong: 'forged',
    connections: CONNECTIONS,
  },
  {
    name: 'answer-64k',
    description: 'token, seen before; answers of 64 KiB',
    tokens: 1,
    use: 'cycle',
    connections: FEW_CONNECTIONS,
    responseBytes: 64 * KIB,
  },
  {
    name: 'answer-1m',
    description: 'token, seen before; answers of 1 MiB',
    tokens: 1,
    use: 'cycle',
    connections: FEW_CONNECTIONS,
    responseBytes: KIB * KIB,
  },
  {
    name: 'upload-1m',
    description: 'token, seen before; requests that carry 1 MiB',
    tokens: 1,
    use: 'cycle',
    connections: FEW_CONNECTIONS,
    uploadBytes: KIB * KIB,
  },
];
