import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type Settings,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { MAX_FIELDS } from '../../http/h1/field-scanner.ts';
import type { Reason } from '../../reasons.ts';
import { causeOf } from '../down-causes.ts';
import type { AttemptFailure } from '../retry.ts';
import type { DownCause } from '../server-report.ts';
import type { RequestFields } from './request-fields.ts';
import type { H2Fault } from './response-reader.ts';
import type { SessionOptions } from './session-owner.ts';
import { H2Stream, isViolation, type StreamHost } from './stream.ts';

/**
 * Streams of a session at one time, if the server allows as many: the least that RFC 9113 §6.5.2 wants a server to
 * allow. When a session breaks, so many requests fail.
 */
const MAX_STREAMS = 100;

/**
 * Bytes of a response that the server may send before the client has taken any. Bounds the memory of a slow client, and
 * is a round trip's worth at a GBit/s over 2 ms.
 */
const STREAM_WINDOW = 256 * 1024;

/** The same for all streams of a session together: node:http2 takes the bytes of all streams, so only a stream waits. */
const SESSION_WINDOW = MAX_STREAMS * STREAM_WINDOW;

/** MiB that node:http2 may hold for a session, beyond which it refuses: all windows, and as much again for uploads. */
const SESSION_MEMORY = (2 * SESSION_WINDOW) / (1024 * 1024);

/** Bytes that HPACK's measure of a head counts for each field beside name and value (RFC 7541 §4.1). */
const FIELD_OVERHEAD = 32;

/** Requests of a session; the numbers of streams are the odd ones below 2^31, and some must be left for late requests. */
const MAX_REQUESTS = 2 ** 30 - 2 * MAX_STREAMS;

/**
 * A connection to an upstream server by HTTP/2: `connecting` → `open` → `closed`. It is open once the server has sent
 * its settings, so that a request leaves only to a server that speaks HTTP/2 and within its limit.
 *
 * A session that the server ends by GOAWAY, or whose numbers are used up, takes no new stream and finishes those it has.
 */
export class H2Session implements StreamHost {
  state: 'connecting' | 'open' | 'closed' = 'connecting';
  /** The tick at which a session that is being made, or idle, ends; and that by which a ping must be answered. */
  deadline: number;
  /** A stream has been carried to its end. */
  used = false;
  readonly #options: SessionOptions<H2Session>;
  readonly #node: ClientHttp2Session;
  readonly #streams = new Set<H2Stream>();
  #limit: number;
  #requests = 0;
  /** No new stream. */
  #retired = false;
  /** The last stream that the server has begun, as its GOAWAY says (RFC 9113 §6.8). */
  #lastId = Number.POSITIVE_INFINITY;
  #pinging = false;
  #error: Error | undefined;
  #loss: Reason | undefined;
  #cause: DownCause = 'reset';
  #lossCounted = false;

  constructor(options: SessionOptions<H2Session>) {
    this.#options = options;
    this.#limit = options.single ? 1 : MAX_STREAMS;
    this.deadline = options.owner.tick + options.times.connect;
    const settings: Settings = {
      enablePush: false,
      initialWindowSize: STREAM_WINDOW,
      maxHeaderListSize: options.headLimit + MAX_FIELDS * FIELD_OVERHEAD,
    };
    // The authority is that of each request.
    const node = connect(`${options.scheme}://upstream.invalid`, {
      createConnection: options.connect,
      settings,
      maxHeaderListPairs: MAX_FIELDS + 1,
      maxSessionMemory: SESSION_MEMORY,
    });
    this.#node = node;
    node.on('connect', (_, socket) => this.#onConnect(socket as TLSSocket));
    node.on('remoteSettings', (remote) => this.#onSettings(remote));
    node.on('goaway', (code, lastId) => {
      this.#retired = true;
      this.#lastId = lastId;
      if (code !== constants.NGHTTP2_NO_ERROR) this.#onLost();
    });
    node.on('error', (error: Error) => {
      this.#error = error;
    });
    node.on('close', () => this.#onLost());
  }

  get tick(): number {
    return this.#options.owner.tick;
  }

  get scheme(): 'http' | 'https' {
    return this.#options.scheme;
  }

  get options(): SessionOptions<unknown> {
    return this.#options;
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  /** Streams. */
  get load(): number {
    return this.#streams.size;
  }

  /** Another request may be sent. */
  get hasRoom(): boolean {
    const node = this.#node;
    const takes =
      this.state !== 'closed' && !this.#retired && !this.#pinging && !node.closed && !node.destroyed;
    return takes && this.#streams.size < this.#limit;
  }

  /** Why all streams of the session failed; undefined while it lasts. */
  get loss(): Reason | undefined {
    return this.#loss;
  }

  /** The cause of the loss. */
  get lossCause(): DownCause {
    return this.#cause;
  }

  /** The server has begun the stream with this number, as far as it has said. */
  hasBegun(id: number | undefined): boolean {
    return id !== undefined && id <= this.#lastId;
  }

  /** A stream for a request, which begins when the session is open. Called while there is room. */
  open(): H2Stream {
    const stream = new H2Stream(this);
    this.#streams.add(stream);
    if (this.#options.single) this.#retired = true;
    if (this.state === 'open') this.deadline = Number.POSITIVE_INFINITY;
    return stream;
  }

  request(fields: RequestFields, ends: boolean, waitForTrailers: boolean): ClientHttp2Stream {
    this.#requests += 1;
    if (this.#requests >= MAX_REQUESTS) this.#retired = true;
    return this.#node.request(fields, { endStream: ends, waitForTrailers });
  }

  onRefusedResponse(fault: H2Fault): void {
    this.#options.owner.onRefusedResponse(fault);
  }

  /** A lost session counts as one failure of its server, however many streams it had. */
  onFailure(failure: AttemptFailure): void {
    if (this.#node.destroyed) {
      if (this.#lossCounted) return;
      this.#lossCounted = true;
    }
    this.#options.owner.onFailure(failure);
  }

  onStreamClosed(stream: H2Stream): void {
    if (!this.#streams.delete(stream) || this.state === 'closed') return;
    const { owner, times } = this.#options;
    if (this.#streams.size === 0 && this.#retired) {
      this.destroy();
      return;
    }
    if (this.#streams.size === 0 && this.state === 'open') this.deadline = owner.tick + times.keepAlive;
    if (this.hasRoom) owner.onRoom(this);
    if (this.#streams.size === 0 && !owner.keepsIdle) this.destroy();
  }

  /** A stream got no response in time: the server may be gone, and other requests must not wait for the same. */
  checkAlive(): void {
    if (this.#pinging || this.state !== 'open') return;
    this.#pinging = true;
    this.deadline = this.tick + this.#options.times.connect;
    this.#node.ping((error) => {
      if (error !== null || this.state !== 'open') return;
      this.#pinging = false;
      const { owner, times } = this.#options;
      const isIdle = this.#streams.size === 0;
      this.deadline = isIdle ? owner.tick + times.keepAlive : Number.POSITIVE_INFINITY;
      if (this.hasRoom) owner.onRoom(this);
    });
  }

  /** A tick has passed. */
  sweep(tick: number): void {
    if (this.deadline <= tick) this.#expire();
    for (const stream of this.#streams) if (stream.deadline <= tick) stream.expire();
  }

  /** Ends the session without a report to its streams. */
  destroy(): void {
    for (const stream of this.#streams) stream.drop();
    this.#node.destroy();
    this.#onLost();
  }

  #onConnect(socket: TLSSocket): void {
    if (this.scheme === 'http' || socket.alpnProtocol === 'h2') this.#node.setLocalWindowSize(SESSION_WINDOW);
    else this.#lose('upstream_unreachable', 'no_http2');
  }

  #onSettings({ maxConcurrentStreams = MAX_STREAMS }: Settings): void {
    const { owner, single } = this.#options;
    if (!single) this.#limit = Math.min(MAX_STREAMS, maxConcurrentStreams);
    if (this.state === 'connecting') {
      this.state = 'open';
      owner.state.connected();
      // A session without a stream is a probe: it has shown that the server is back.
      if (this.#streams.size === 0) {
        this.destroy();
        return;
      }
      this.deadline = Number.POSITIVE_INFINITY;
      for (const stream of this.#streams) stream.begin();
    }
    if (this.hasRoom) owner.onRoom(this);
  }

  #expire(): void {
    if (this.state === 'connecting') this.#lose('upstream_unreachable', 'timeout');
    else if (this.#pinging) this.#lose('upstream_timeout', 'timeout');
    else this.destroy();
  }

  #onLost(): void {
    if (this.state === 'connecting') this.#lose('upstream_unreachable', causeOfConnect(this.#error));
    else this.#lose(isViolation(this.#error) ? 'upstream_invalid_response' : 'upstream_reset');
  }

  #lose(reason: Reason, cause?: DownCause): void {
    if (this.state === 'closed') return;
    const { owner } = this.#options;
    if (this.state === 'connecting') owner.state.unreachable(cause ?? 'failed', this.#streams.size > 0);
    this.state = 'closed';
    this.#loss = reason;
    this.#cause = cause ?? causeOf(this.#error, 'reset');
    this.deadline = Number.POSITIVE_INFINITY;
    this.#node.destroy();
    owner.onClosed(this);
    for (const stream of this.#streams) stream.onLost();
    this.#streams.clear();
  }
}

function causeOfConnect(error: Error | undefined): DownCause {
  return isViolation(error) ? 'no_http2' : causeOf(error, 'failed');
}
