import type { ServerState } from './server-state.ts';
import type { UpstreamStream } from './upstream-stream.ts';

/** The connections to one address of an upstream server, as the upstream sees them. */
export interface ServerPool {
  /** Whether the server answers; outlives the pool. */
  readonly state: ServerState;
  /** Connections. */
  readonly size: number;
  /** Connections without a request. */
  readonly idle: number;
  /** Requests under way, and connections that are being made for one. */
  readonly load: number;
  /** Whether requests may begin on it. Otherwise, and while it drains, connections without a request end. */
  usable: boolean;
  /** Whether no request can be sent now. @param connections that the server may have. */
  isFull(connections: number): boolean;
  /**
   * A connection that can take a request now.
   * @param mayShare the request may follow others on their connection. @param fresh the last connection turned out dead.
   */
  take(mayShare: boolean, fresh: boolean): UpstreamStream | undefined;
  /** A new connection. @param alone it carries one request and ends with it. */
  dial(alone: boolean): UpstreamStream;
  /** Ends a connection without a request. Returns false when there is none. */
  endIdle(): boolean;
  /** Offers room on connections in use to requests that wait. */
  offerRoom(): void;
  /** Makes a connection without a request, which closes once it is established. Returns false when it is too early. */
  probe(): boolean;
  /** A tick has passed. */
  sweep(tick: number): void;
  count(): Readonly<Record<'idle' | 'busy' | 'connecting', number>>;
  /** Connections end with their last request. */
  drain(): void;
  /** Ends every connection without a report to its requests. */
  close(): void;
}
