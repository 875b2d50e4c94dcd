import type { Duplex } from 'node:stream';
import type { Turn } from '../../lib/turn.ts';
import type { AttemptFailure } from '../retry.ts';
import type { ServerState } from '../server-state.ts';
import type { ConnectionTimes } from '../ticks.ts';
import type { H2Fault, ResponseReader } from './response-reader.ts';

/** The pool, as its sessions see it. */
export interface SessionOwner<Session> {
  /** Now, in ticks. */
  readonly tick: number;
  /** Whether the server works. */
  readonly state: ServerState;
  /** Sessions without a stream stay open. */
  readonly keepsIdle: boolean;
  /** The session may carry another stream. */
  onRoom(session: Session): void;
  onRefusedResponse(fault: H2Fault): void;
  /** A request failed on an established session. */
  onFailure(failure: AttemptFailure): void;
  onClosed(session: Session): void;
}

export interface SessionOptions<Session> {
  readonly scheme: 'http' | 'https';
  /** Makes the connection. With TLS the session waits for the handshake, which must choose `h2` (RFC 9113 §3.2). */
  readonly connect: () => Duplex;
  readonly times: ConnectionTimes;
  /** The session carries one request and ends with it. */
  readonly single: boolean;
  /** Bytes of a response head. */
  readonly headLimit: number;
  readonly turn: Turn;
  readonly reader: ResponseReader;
  readonly owner: SessionOwner<Session>;
}
