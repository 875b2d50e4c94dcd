/** A connection of clients to the gateway. */
export interface Connection {
  /** Monotonic milliseconds. */
  readonly openedAt: number;
  /** Its own port; undefined before it has one. */
  readonly port: number | undefined;
  /** Why it is closed; undefined while it is open. */
  readonly closedBy: string | undefined;
  /** Exchanges begun on it. */
  readonly exchanges: number;
  /** The kind of the exchange that was begun before the last one. */
  readonly previous: string;
  /** Its worker was killed. */
  isDoomed: boolean;
}
