import type { Config, TrafficAddress } from '../config/config.ts';
import type { Reply, RequestHead, ResponseHead } from '../http/message.ts';
import type { ConnectionLimit } from '../limits/connection-limit.ts';

/** What a configuration says to a front. */
export type FrontConfig = Pick<Config, 'uws'> & {
  readonly limits: Pick<Config['limits'], 'requestHead' | 'requestsPerConnection'>;
};

/** Listens for clients and hands over one `ClientStream` for each request. */
export interface Front {
  /** Loads what the front needs. @throws StartError */
  open(): Promise<void>;
  /**
   * Binds an address.
   * @param address `port` 0 lets the system choose.
   * @param options `shared`: other processes of this gateway listen on the same TCP address, or hand over the unix
   *   socket; the caller has made sure that no other program does. Otherwise the address is taken exclusively.
   * @returns the bound address as text. @throws StartError when the address cannot be bound.
   */
  listen(address: TrafficAddress, options: { readonly shared: boolean }): Promise<string>;
  /** Takes no new connection at this address; open ones go on. */
  unlisten(address: TrafficAddress): void;
  /** Resolves when the front has taken the connections that wait in the system's queues now. */
  takeWaiting(): Promise<void>;
  /** Takes no new connection at any address, for good; open ones go on. */
  stopListening(): void;
  readonly isStopped: boolean;
  /** Puts another configuration in force, for requests from then on. */
  follow(config: FrontConfig): void;
  /** Asks every client to leave with its next response, in the words of its protocol. */
  drain(): void;
  /** Cuts every connection. */
  close(): void;
}

export interface FrontOptions {
  /** `limits.requestHead` and the choice of an engine cannot change while the front lasts. */
  readonly config: FrontConfig;
  readonly connections: ConnectionLimit;
  readonly events: FrontEvents;
}

/** What a front raises. */
export interface FrontEvents {
  /** One request: its head has come. Called once for each, synchronously; the response may come later. */
  onRequest(stream: ClientStream): void;
  /** A fault of the gateway while a request was read or served; the connection of the client has been cut. */
  onFault(error: unknown): void;
}

/** What a client stream raises towards its exchange. */
export interface ClientEvents {
  /** The next bytes of the request body: a view that is valid during the call. */
  onRequestBody(chunk: Uint8Array, last: boolean): void;
  /** The client has left: nothing more comes and nothing more can be sent. */
  onAborted(): void;
  /** The client's socket has taken all that was held back. */
  onDrained(): void;
  /** Follows each `reply`, once, in the same turn or a later one. `sent`: the client gets it. */
  onReplied(sent: boolean): void;
}

/**
 * One exchange's side of a client. How a connection ends is the front's matter: what the exchange says of it are hints,
 * which each protocol writes in its own way (`Connection: close`, GOAWAY, nothing).
 */
export interface ClientStream {
  readonly head: RequestHead;
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  readonly scheme: 'http' | 'https';
  /** A byte of the response is on its way. */
  readonly started: boolean;
  /** The client has not taken what it was sent. */
  readonly behind: boolean;
  /** The client is kept from sending its body. */
  readonly pausing: boolean;
  /** Sets who hears of the client. Called once, in the turn in which the request came. */
  listen(events: ClientEvents): void;
  /**
   * Text of the peer's IP address, or `unix`. Asked before the response ends. Undefined when the peer has reset the
   * connection and its address is lost.
   */
  peer(): string | undefined;
  /**
   * Reads the request body. Called in the turn in which the request came, or the body is lost.
   * @param paced the exchange ends a body that comes too slowly. Otherwise the front may end one that stands still.
   */
  takeBody(paced: boolean): void;
  /** Stops reading the request body. What is under way may still arrive, up to some megabytes. */
  pauseBody(): void;
  resumeBody(): void;
  /** Whether the client was kept from sending at any time since the last call. */
  takePaused(): boolean;
  /** The request body is wanted behind the end of the response, until `releaseBody`. `held`: bytes that wait for upstream. */
  keepBody(held: number): void;
  /** The rest of the request body is not wanted any more. */
  releaseBody(): void;
  /** Begins the response. Its head may wait for the first byte of the body, so that a refusal can still take its place. */
  begin(head: ResponseHead): void;
  /**
   * Sends pieces of the body; `last` completes the response. Returns false when the client cannot take all of it now: a
   * copy of the rest is kept (at most the pieces of one call), `onDrained` follows, and nothing may be sent until then.
   */
  send(pieces: readonly Uint8Array[], last: boolean): boolean;
  /** Sends a reply of the gateway; behind a started response cuts the connection instead. `onReplied` follows. */
  reply(reply: Reply): void;
  /** Cuts the connection, or resets the stream, so that a started response does not look whole. */
  abort(): void;
  /**
   * Does what the front must do from time to time; called several times a second while the exchange lasts.
   * @param now monotonic milliseconds.
   * @returns false when the client has taken nothing for so long that the exchange must end.
   */
  review(now: number): boolean;
}
