import type { ResponseHead } from '../../../http/message.ts';
import type { ClientEvents, TlsFacts } from '../../front.ts';
import type { HeldBytes } from './held-bytes.ts';
import type { WaitingStream } from './sending.ts';

/** The receiver of the events of a stream: its exchange, or the tunnel that it has become. */
export type StreamEvents = Pick<ClientEvents, 'onAborted' | 'onDrained'> & Partial<ClientEvents>;

/** The connection of a stream, as the stream sees it. */
export interface StreamHost {
  readonly scheme: 'http' | 'https';
  readonly tls: TlsFacts | undefined;
  readonly redirects: boolean;
  readonly peer: string | undefined;
  /** The client's socket takes nothing now. */
  readonly isBlocked: boolean;
  /** Bytes of DATA that the connection may send now. */
  readonly sendWindow: number;
  sendHead(stream: number, head: ResponseHead, ends: boolean): void;
  /** Sends an interim response, or with `ends` trailers. */
  sendBlock(stream: number, block: Uint8Array, ends: boolean): void;
  /** Sends [from, to) of `bytes`, a frame at most, and counts it against the window of the connection. */
  sendData(stream: number, bytes: Uint8Array, from: number, to: number, ends: boolean): void;
  /** Lets the client send more of a body. */
  grant(stream: number, bytes: number): void;
  /** Room for what waits for clients, which all connections share. */
  readonly held: HeldBytes;
  /** Milliseconds in which a client must take something of a response. */
  readonly sendMs: number;
  /** Calls `pump` when the connection can send again. */
  wait(stream: WaitingStream): void;
  /** A stream is over and its number free. @param code to reset it with; undefined: nothing is to be sent. */
  end(stream: number, code: number | undefined): void;
}
