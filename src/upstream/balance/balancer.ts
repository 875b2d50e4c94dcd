/** A server, as a balancer sees it. */
export interface Candidate {
  /** Its part of the requests, relative to the other candidates; above 0. */
  readonly weight: number;
  /** Requests under way on it. */
  readonly load: number;
  /** It can take no request now. */
  readonly full: boolean;
}

/** Chooses a server for each request. A choice allocates nothing. */
export interface Balancer {
  /** Sets the servers to choose from. */
  use(candidates: readonly Candidate[]): void;
  /**
   * The index of the chosen candidate; -1 when none can take a request.
   * @param avoid the index of a candidate that is chosen only if no other can take the request; -1 for none.
   */
  choose(avoid: number): number;
}
