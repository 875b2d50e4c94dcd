import type { ResponseFault } from './response-parser.ts';
import type { ServerState } from './server-state.ts';

/** The pool, as its connections see it. */
export interface ConnectionOwner<Connection> {
  /** The time. */
  readonly tick: number;
  /** Whether the server answers. */
  readonly state: ServerState;
  onReusable(connection: Connection): void;
  /** It was full, and may now take one more request behind those that it carries. */
  onRoom(connection: Connection): void;
  /** The parser refused an answer, with this word. */
  onRefusedAnswer(fault: ResponseFault): void;
  onClosed(connection: Connection): void;
}
