import type { ServerAddress } from '../../config/upstream-config.ts';
import type { Turn } from '../../lib/turn.ts';
import type { AttemptFailure } from '../retry.ts';
import type { ServerState } from '../server-state.ts';
import type { ConnectionTimes } from '../ticks.ts';
import type { TlsClient } from '../tls-client.ts';
import type { ResponseFault } from './response-parser.ts';
import type { SpareHeadReader } from './spare-head-reader.ts';

/** The pool, as its connections see it. */
export interface ConnectionOwner<Connection> {
  /** Now, in ticks. */
  readonly tick: number;
  /** Whether the server works. */
  readonly state: ServerState;
  /** The connection is idle. */
  onReusable(connection: Connection): void;
  /** A full connection has room for one more request again. */
  onRoom(connection: Connection): void;
  /** The parser refused a response. */
  onRefusedResponse(fault: ResponseFault): void;
  /** A request failed on an established connection. */
  onFailure(failure: AttemptFailure): void;
  onClosed(connection: Connection): void;
}

export interface ConnectionOptions<Connection> {
  readonly address: ServerAddress;
  /** Undefined: plain text. */
  readonly tls: TlsClient | undefined;
  readonly times: ConnectionTimes;
  /** Requests at a time, at most. */
  readonly depth: number;
  /** The connection carries one request and ends with it. */
  readonly single: boolean;
  /** Bytes of a response head. */
  readonly headLimit: number;
  readonly readBuffer: Buffer;
  readonly turn: Turn;
  readonly spareHeadReader: SpareHeadReader;
  readonly owner: ConnectionOwner<Connection>;
}
