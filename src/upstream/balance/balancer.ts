/** A server, as a balancer sees it. */
export interface Candidate {
  /** The text of its address, by which every process knows it. */
  readonly text: string;
  /** Its part of the requests, relative to the other candidates; above 0. */
  readonly weight: number;
  /** Requests under way on it. */
  readonly load: number;
  /** It can take no request now. */
  readonly full: boolean;
}

/** The key of a request that has none. */
export const NO_KEY = -1;

/** Chooses a server for each request. A choice allocates nothing. */
export interface Balancer {
  /** Sets the servers to choose from. */
  use(candidates: readonly Candidate[]): void;
  /**
   * The index of the chosen candidate; -1 when none can take a request.
   * @param avoid the index of a candidate that is chosen only if no other can take the request; -1 for none.
   * @param key from 0 to 2^31 - 1, by which requests stay together; or `NO_KEY`.
   */
  choose(avoid: number, key: number): number;
}
