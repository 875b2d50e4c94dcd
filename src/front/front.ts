import type { Config, RouteConfig, TrafficAddress } from '../config/config.ts';
import type { HttpVersion, Reply, RequestHead, ResponseHead, Trailers } from '../http/message.ts';
import type { TunnelSide } from '../http/tunnel-side.ts';
import type { CounterFamily } from '../lib/counters.ts';
import type { ConnectionLimit } from '../limits/connection-limit.ts';
import type { Reason } from '../reasons.ts';
import type { EngineChoice } from './engine-of.ts';

/** The part of a configuration that a front needs. */
export type FrontConfig = Pick<Config, 'uws' | 'trustedProxies'> & {
  readonly listen: readonly TrafficAddress[];
  readonly routes: readonly Pick<RouteConfig, 'upgrade'>[];
  readonly limits: Pick<Config['limits'], 'requestHead' | 'requestsPerConnection' | 'headerFields'>;
  readonly timeouts: Pick<Config['timeouts'], 'requestHeadMs' | 'keepAliveMs' | 'sendMs'>;
};

/** The OCSP response that a server sends beside a certificate (RFC 6066 §8). */
export interface Staple {
  /** DER. */
  readonly der: Uint8Array;
  /** Milliseconds since the epoch at which it ends. */
  readonly until: number;
}

/** Listens for clients and raises one `ClientStream` for each request. */
export interface Front {
  /** Loads what the front needs. @throws StartError */
  open(): Promise<void>;
  /**
   * Binds an address.
   * @param address `port` 0 lets the system choose.
   * @param options `shared`: other processes of this gateway listen on the same TCP address, or hand over the unix
   *   socket; the caller has made sure that no other program listens there. Otherwise the front takes the address
   *   exclusively.
   * @returns the bound address as text. @throws StartError when the address cannot be bound.
   */
  listen(address: TrafficAddress, options: { readonly shared: boolean }): Promise<string>;
  /** Takes no new connection at this address; open connections stay. */
  unlisten(address: TrafficAddress): void;
  /** Resolves when the front has accepted the connections that wait in the system's queues now. */
  takeWaiting(): Promise<void>;
  /** Takes no new connection at any address, for good; open connections stay. */
  stopListening(): void;
  readonly isStopped: boolean;
  /** What serves the address. Called once the front is open. A front of one engine has no such method. */
  engineOf?(address: TrafficAddress): EngineChoice;
  /** Puts another configuration in force for the requests that follow. */
  follow(config: FrontConfig): void;
  /**
   * Puts the keys of session tickets in force, of 48 bytes; tickets of the keys before are worth nothing then. A front
   * without TLS has no such method.
   */
  setTicketKeys?(keys: Uint8Array): void;
  /**
   * Puts the OCSP response in force that goes beside a certificate, by its fingerprint; undefined: there is none. A front
   * without TLS has no such method.
   */
  setStaple?(certificate: string, staple: Staple | undefined): void;
  /** Asks every client to leave with its next response, in the way of its protocol. */
  drain(): void;
  /** Cuts every connection. */
  close(): void;
}

export interface FrontOptions {
  /** `limits.requestHead` and `uws` cannot change while the front lasts. */
  readonly config: FrontConfig;
  readonly connections: ConnectionLimit;
  readonly events: FrontEvents;
  /** TLS handshakes by how they ended. */
  readonly handshakes: CounterFamily;
}

/**
 * Why a connection at an address with `proxyProtocol` was closed: its peer is none of `trustedProxies`, its first bytes
 * are no header, or the header came too late.
 */
export type ProxyRefusal = 'untrusted' | 'malformed' | 'timed_out';

/** The events of a front. */
export interface FrontEvents {
  /** A request's head has arrived. Called once for each request; the response may follow later. */
  onRequest(stream: ClientStream): void;
  /** The gateway failed while it read or served a request; the front has cut the client's connection. */
  onFault(error: unknown): void;
  /** The front has closed a connection for want of a PROXY protocol header. @param peer text of the peer's address. */
  onProxyRefused(why: ProxyRefusal, peer: string): void;
}

/** The events of a client stream, for its exchange. */
export interface ClientEvents {
  /** The next bytes of the request body. `chunk` is a view that is valid during the call. */
  onRequestBody(chunk: Uint8Array, last: boolean): void;
  /** Fields that follow the request body; comes before the last call of `onRequestBody`. */
  onRequestTrailers?(trailers: Trailers): void;
  /** The rest of the request body cannot be read. The exchange must end, with this reason. */
  onBodyFault(reason: Reason): void;
  /** The client has left: no more bytes arrive, and none can be sent. */
  onAborted(): void;
  /** The client's socket has taken all bytes that were held back. */
  onDrained(): void;
  /** Follows each `reply`, once, in the same turn or a later one. `sent`: the client gets it. */
  onReplied(sent: boolean): void;
}

/** What the handshake of a connection agreed on. */
export interface TlsFacts {
  /** `TLSv1.3`. */
  readonly version: string;
  /** The host that the client named, as sent; undefined: none. */
  readonly serverName: string | undefined;
}

/**
 * One exchange's side of a client. The front decides how a connection ends. The exchange only gives hints, and each
 * protocol writes them in its own way (`Connection: close`, GOAWAY, nothing).
 */
export interface ClientStream {
  readonly head: RequestHead;
  readonly protocol: HttpVersion;
  readonly scheme: 'http' | 'https';
  /** The same object for all requests of a connection. Undefined: plain text, or the connection is gone. */
  readonly tls?: TlsFacts | undefined;
  /** The address of the client redirects to https, and serves nothing. */
  readonly redirects?: boolean | undefined;
  /** The front has sent a byte of the response. */
  readonly started: boolean;
  /** The client has not taken all bytes that it was sent. */
  readonly behind: boolean;
  /** The client is kept from sending its body. */
  readonly pausing: boolean;
  /** Sets the receiver of the events. Called once, in the turn in which the request arrived. */
  listen(events: ClientEvents): void;
  /**
   * Text of the peer's IP address, or `unix`. Undefined when the peer has reset the connection and its address is lost.
   * Called before the response ends.
   */
  peer(): string | undefined;
  /**
   * Reads the request body. Must be called in the turn in which the request arrived; later the body is lost.
   * @param paced the exchange ends a body that arrives too slowly. Otherwise the front may end a body that stands still.
   */
  takeBody(paced: boolean): void;
  /** Stops reading the request body. Up to some megabytes that are under way may still arrive. */
  pauseBody(): void;
  /** Reads on. A client that waits for 100 (Continue) is told to send (RFC 9110 §10.1.1). */
  resumeBody(): void;
  /** Whether the body was paused at any time since the last call. */
  takePaused(): boolean;
  /**
   * Keeps reading the request body after the response has ended, until `releaseBody`.
   * @param held bytes of the body that wait for upstream.
   */
  keepBody(held: number): void;
  /** The exchange does not need the rest of the request body any more. */
  releaseBody(): void;
  /** Begins the response. The head may wait for the first byte of the body, so that a reply can still replace it. */
  begin(head: ResponseHead): void;
  /**
   * Sends pieces of the body; `last` completes the response. Returns false when the client cannot take all of them now:
   * the front keeps a copy of the rest (at most the pieces of one call), and `onDrained` follows. Until then the exchange
   * must not send more.
   */
  send(pieces: readonly Uint8Array[], last: boolean): boolean;
  /** Sends an interim response, such as 103, unless the response has begun. Fronts without a way leave this out. */
  sendInterim?(head: ResponseHead): void;
  /** Sets fields to follow the body, where its framing has a place. Called before the last `send`. */
  setTrailers?(trailers: Trailers): void;
  /**
   * Sends a 101, or the 200 for an extended CONNECT, and gives the connection or the stream away: no event of the stream
   * follows. Fronts and protocols that cannot do that leave this out. @param head of upstream's 101. @param upgrade the protocol that follows. @returns undefined when the client has left.
   */
  switchTo?(head: ResponseHead, upgrade: string): TunnelSide | undefined;
  /** Sends a reply of the gateway. If a response has started, cuts the connection instead. `onReplied` follows. */
  reply(reply: Reply): void;
  /** Cuts the connection, or resets the stream, so that a started response does not look complete. */
  abort(): void;
  /**
   * Does the front's periodic work. Called several times a second while the exchange lasts.
   * @param now monotonic milliseconds.
   * @returns false when the client has taken nothing for so long that the exchange must end.
   */
  review(now: number): boolean;
}
