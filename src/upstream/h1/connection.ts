import { type WireHead, withClose } from '../../forwarding/request-writer.ts';
import type { Turn } from '../../lib/turn.ts';
import type { Reason } from '../../reasons.ts';
import { isRepeatable, maySharePlace } from '../repeatable.ts';
import type { ResponseSink } from '../response-sink.ts';
import type { AttemptFailure } from '../retry.ts';
import { causeOf, causeOfReason } from '../server-state.ts';
import type { ConnectionTimes } from '../ticks.ts';
import type { UpstreamStream } from '../upstream-stream.ts';
import { AnswerParts } from './answer-parts.ts';
import type { ConnectionOptions, ConnectionOwner } from './connection-owner.ts';
import { Followers } from './followers.ts';
import { Keeping } from './keeping.ts';
import { type ResponseFault, ResponseParser } from './response-parser.ts';
import { UpstreamSocket } from './upstream-socket.ts';

const nothing: readonly Uint8Array[] = [];

/**
 * Bytes that are read of an abandoned answer for the sake of the requests behind it; beyond that a new connection for
 * those is cheaper.
 */
const DISCARD_BYTES = 256 * 1024;

/**
 * One connection to an upstream server: `connecting` → `idle` ⇄ `busy` → `closed`.
 *
 * It carries one request, and, where its depth allows, repeatable ones behind it (RFC 9112 §9.3.2), whose answers come
 * in the same order. They follow only while upstream has shown on this connection that it keeps it, and no answer is
 * half-way: when the connection ends, all that were not answered are for others to send again.
 *
 * Reading and writing end separately; the connection may be used again only when the answer is complete, the
 * request has been sent whole, and both sides keep it alive. Bytes that arrive while it is idle answer no
 * request and would be taken for the next request's answer (response queue poisoning), so they close it.
 */
export class Connection implements UpstreamStream {
  state: 'connecting' | 'idle' | 'busy' | 'closed' = 'connecting';
  /** The tick at which silence becomes a failure; the pool compares it in every tick. */
  deadline: number;
  /** The tick at which those behind an answer under way wait no longer for its end. */
  patience = Number.POSITIVE_INFINITY;
  outlasted = false;

  private readonly owner: ConnectionOwner<Connection>;
  private readonly times: ConnectionTimes;
  private readonly turn: Turn;
  private readonly socket: UpstreamSocket;
  private readonly answer = new AnswerParts();
  private readonly parser: ResponseParser;
  private readonly once: boolean;
  private readonly keeping: Keeping;
  private readonly followers = new Followers();
  /** What waits for the answer that is next. */
  private sink: ResponseSink | undefined;
  /** Bytes that may still come of an abandoned answer. */
  private discard = 0;
  private connected = false;
  private used = false;
  /** A request head that is written when the turn is over; upstream has seen nothing of it. */
  private unsent: WireHead | undefined;
  /** `post` runs when the turn is over. */
  private mailing = false;
  private method = '';
  private hasBody = false;
  private requestSent = false;
  private uploadBlocked = false;
  private readingPaused = false;

  constructor(options: ConnectionOptions<Connection>) {
    this.owner = options.owner;
    this.times = options.times;
    this.turn = options.turn;
    this.parser = new ResponseParser(this.answer, { head: options.headLimit }, options.spareHeadReader);
    this.keeping = new Keeping(options.times.keepAlive, options.depth);
    this.once = options.once;
    this.deadline = options.owner.tick + options.times.connect;
    const read = (length: number, buffer: Buffer): boolean => this.read(length, buffer);
    this.socket = new UpstreamSocket(options.address, options.readBuffer, read);
    this.socket.on('connect', () => this.onConnect());
    this.socket.on('drain', () => this.onDrain());
    this.socket.on('end', () => this.onEnd());
    this.socket.on('error', (error) => this.lose(error));
    this.socket.on('close', () => this.lose(undefined));
  }

  /** Whether a repeatable request may be sent now although another one is under way. */
  get hasRoom(): boolean {
    return (
      this.state === 'busy' &&
      this.used &&
      this.followers.size + 1 < this.keeping.depth &&
      !this.hasBody &&
      maySharePlace(this.method) &&
      !this.answer.begun &&
      this.sink !== undefined
    );
  }

  /** The same, and what it carries leaves at the end of this turn. */
  get hasUnsentRoom(): boolean {
    return this.mailing && this.hasRoom;
  }

  /** Only while idle or connecting, or, for a repeatable request, while there is room. */
  send(method: string, wire: WireHead, hasBody: boolean, sink: ResponseSink): void {
    const head = this.once ? withClose(wire) : wire;
    if (this.state === 'busy') {
      this.followers.add({ method, head, sink });
      this.mail();
      return;
    }
    this.begin(method, hasBody, sink);
    if (this.connected) this.state = 'busy';
    if (this.connected && !hasBody) {
      this.unsent = head;
      this.mail();
    } else this.socket.write(head.text, head.encoding);
    this.touch();
  }

  upload(bytes: Uint8Array | string): boolean {
    if (this.socket.deaf || this.answer.refuses) {
      this.uploadBlocked = true;
      this.touch();
      return false;
    }
    // A large piece passes the high-water mark even when the kernel took all of it at once.
    const free = this.socket.write(bytes) || !this.keepsUpload;
    if (!free) this.uploadBlocked = true;
    this.touch();
    return free;
  }

  uploadNow(bytes: Uint8Array): number {
    return this.answer.refuses ? 0 : this.socket.writeNow(bytes);
  }

  get keepsUpload(): boolean {
    return this.socket.writableLength > 0;
  }

  endUpload(): void {
    this.requestSent = true;
    if (this.outlasted) this.finishUpload();
    else this.touch();
  }

  goOn(sink: ResponseSink): void {
    this.sink = sink;
  }

  pause(): void {
    if (this.readingPaused || this.state === 'closed') return;
    this.readingPaused = true;
    this.socket.pause();
    this.touch();
  }

  resume(): void {
    if (!this.readingPaused || this.state === 'closed') return;
    this.readingPaused = false;
    this.socket.resume();
    this.touch();
  }

  /** Ends the connection, unless others wait on it for their responses. */
  leave(sink: ResponseSink): void {
    if (this.sink !== sink) {
      this.followers.leave(sink);
      if (this.sink === undefined && !this.followers.awaited) this.close();
      return;
    }
    this.sink = undefined;
    if (!this.followers.awaited) this.close();
    else if (this.unsent !== undefined) {
      this.unsent = undefined;
      this.advance();
    } else {
      this.discard = DISCARD_BYTES;
      this.resume();
    }
  }

  /** Ends the connection without a word to those who wait on it. */
  destroy(): void {
    this.sink = undefined;
    this.followers.clear();
    this.close();
  }

  /** Called by the pool when the deadline has passed. */
  expire(): void {
    if (this.state === 'connecting') this.fail('upstream_unreachable', 'timeout');
    else if (this.state === 'busy') this.fail('upstream_timeout');
    else this.close();
  }

  /** Has the requests behind an answer sent again elsewhere; the connection ends with that answer. */
  release(): void {
    this.patience = Number.POSITIVE_INFINITY;
    this.answer.keepAlive = false;
    if (this.sink === undefined) this.close();
    else this.followers.fail();
  }

  private onConnect(): void {
    this.connected = true;
    this.owner.state.connected();
    this.state = 'busy';
    // Without a request it was to find out whether the server is back.
    if (this.sink === undefined) this.close();
    else this.touch();
  }

  private onDrain(): void {
    if (!this.uploadBlocked) return;
    this.uploadBlocked = false;
    this.touch();
    this.sink?.onUploadDrained();
  }

  private read(length: number, buffer: Buffer): boolean {
    if (this.state !== 'busy') {
      this.close();
      return true;
    }
    if (this.unsent !== undefined || this.outlasted) {
      // Bytes that came behind the answer, or before the request was written answer nothing of ours.
      this.fail('upstream_reset');
      return true;
    }
    let bytes = buffer;
    let left = length;
    for (;;) {
      const consumed = this.parser.push(bytes, left);
      if (consumed < 0) {
        this.owner.onRefusedAnswer(this.parser.fault as ResponseFault);
        this.fail('upstream_invalid_response');
        return true;
      }
      left -= consumed;
      const goesOn = left > 0 && this.answer.complete && this.followers.firstIsSent;
      // Bytes behind the answer belong to no request of ours: the connection must not carry another one.
      if (left > 0 && !goesOn) this.answer.keepAlive = false;
      this.deliver();
      if (!goesOn || this.state !== 'busy') break;
      bytes = bytes.subarray(consumed);
    }
    // A head that trickles in, or a series of interim answers, does not put off the time-out for the head.
    if (this.state === 'busy' && this.answer.begun) this.touch();
    return !this.readingPaused;
  }

  /** Hands over what one read brought, then lets the connection go if the exchange is through. */
  private deliver(): void {
    const { sink, answer } = this;
    const { head, pieces, complete } = answer;
    if (head === undefined && pieces === undefined && !complete) return;
    answer.clear();
    if (head !== undefined) this.keeping.heed(head);
    this.outlasted =
      complete && !this.requestSent && answer.keepAlive && answer.accepts && !this.once && !this.socket.deaf;
    if (complete) this.sink = undefined;
    if (this.owner.state.failing) this.owner.state.answered();
    if (sink !== undefined) sink.onResponse(head, pieces ?? nothing, complete);
    else for (const piece of pieces ?? nothing) this.discard -= piece.length;
    if (this.isClosed()) return;
    if (!complete) {
      if (sink === undefined && this.discard < 0) this.close();
      else if (head !== undefined && this.followers.size > 0) {
        if (answer.keepAlive) this.patience = this.owner.tick + this.times.response;
        else this.release();
      }
      return;
    }
    if (this.outlasted && this.sink !== undefined) return;
    if (!this.requestSent || !answer.keepAlive || this.readingPaused || this.once) {
      this.close();
      return;
    }
    this.used = true;
    this.advance();
  }

  private finishUpload(): void {
    const { sink } = this;
    this.outlasted = false;
    this.sink = undefined;
    sink?.onUploadOver?.();
    if (this.readingPaused) this.close();
    else {
      this.used = true;
      this.advance();
    }
  }

  /** Goes on with the request whose answer is next, if there is any. */
  private advance(): void {
    const next = this.followers.shift();
    if (next === undefined) {
      this.state = 'idle';
      this.touch();
      this.owner.onReusable(this);
      return;
    }
    this.begin(next.method, false, next.sink);
    this.unsent = next.head;
    if (next.sink === undefined) {
      this.discard = DISCARD_BYTES;
      if (!this.followers.awaited) this.close();
    }
    this.touch();
    if (this.hasRoom) this.owner.onRoom(this);
  }

  private begin(method: string, hasBody: boolean, sink: ResponseSink | undefined): void {
    this.sink = sink;
    this.parser.start(method);
    this.method = method;
    this.hasBody = hasBody;
    this.answer.restart();
    this.patience = Number.POSITIVE_INFINITY;
    this.requestSent = !hasBody;
    this.uploadBlocked = false;
    this.outlasted = false;
  }

  private mail(): void {
    if (this.mailing) return;
    this.mailing = true;
    this.turn.atEnd(this.post);
  }

  /**
   * Writes what this turn has brought for it. Upstream is then woken once and finds many requests, where single writes
   * would wake it for each; a lone request leaves just as soon, when its turn is over.
   */
  private readonly post = (): void => {
    this.mailing = false;
    const head = this.followers.take(this.unsent);
    this.unsent = undefined;
    if (head !== undefined) this.socket.write(head.text, head.encoding);
  };

  private onEnd(): void {
    if (this.state === 'busy' && !this.outlasted && this.parser.finish()) this.deliver();
    this.fail('upstream_reset');
  }

  private lose(error: Error | undefined): void {
    this.fail(
      this.connected ? 'upstream_reset' : 'upstream_unreachable',
      causeOf(error, this.connected ? 'reset' : 'failed'),
    );
  }

  /** Ends the connection and reports the failure to the sink, unless its response is already complete. */
  private fail(reason: Reason, cause = causeOfReason(reason)): void {
    const { sink, connected } = this;
    this.sink = undefined;
    const left = this.requestSent ? 'all' : 'part';
    const failure: AttemptFailure = {
      reason,
      cause,
      sent: !connected || this.unsent !== undefined ? 'nothing' : left,
      responseBegun: this.parser.started,
      reused: this.used,
      repeatable: isRepeatable(this.method, this.hasBody),
    };
    if (this.state === 'connecting') this.owner.state.unreachable(cause, sink !== undefined);
    else if (sink !== undefined && !this.outlasted) this.owner.onFailure(failure);
    this.close();
    sink?.onFailure(failure);
  }

  private close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.unsent = undefined;
    this.deadline = Number.POSITIVE_INFINITY;
    this.socket.destroy();
    this.owner.onClosed(this);
    this.followers.fail();
  }

  private isClosed(): boolean {
    return this.state === 'closed';
  }

  /** Sets the deadline after every step: whose turn it is decides whether there is one. */
  private touch(): void {
    if (this.state === 'closed' || this.state === 'connecting') return;
    const { owner, times } = this;
    if (this.state === 'idle') this.deadline = owner.tick + this.keeping.ticks;
    else if (this.readingPaused || (!this.requestSent && !this.uploadBlocked)) {
      // The client's turn: to take what it was sent, or to send more of its body.
      this.deadline = Number.POSITIVE_INFINITY;
    } else this.deadline = owner.tick + (this.answer.begun ? times.idle : times.response);
  }
}
