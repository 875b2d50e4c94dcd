import { systemClock } from '../../lib/clock.ts';
import type { EngineResponse } from './engine.ts';
import { closeAndChunk, Linger } from './linger.ts';
import type { PeerNames } from './peers.ts';
import { Reading } from './reading.ts';
import { type AnswerHead, Sending, writeHead } from './sending.ts';

/** What an exchange hears from its client. */
export interface DownstreamEvents {
  /** A view that dies with the call. */
  onRequestBody(chunk: Uint8Array, last: boolean): void;
  /** The client is gone; nothing more comes and nothing more can be sent. */
  onAborted(): void;
  /** All that was held back has been taken by the client's socket. */
  onDrained(): void;
}

/**
 * One exchange's side of the client connection. It owns the engine's response object, which is dead after an abort or
 * the end.
 */
export class Downstream extends Sending {
  private readonly peers: PeerNames;
  private events: DownstreamEvents | undefined;
  /** The answer is written, and not complete to the engine. */
  private answeredEarly = false;
  /** Set once the answer is written and only the rest of the body keeps the connection. */
  private linger: Linger | undefined;

  constructor(response: EngineResponse, peers: PeerNames) {
    super(response);
    this.peers = peers;
    response.onAborted(() => {
      this.stopSending();
      this.linger?.stop();
      this.events?.onAborted();
    });
  }

  /** False once the client is gone or the answer is complete. */
  get open(): boolean {
    return !this.over;
  }

  get answering(): boolean {
    return this.started;
  }

  /** The client has not sent all of its body. */
  get receiving(): boolean {
    return this.reading?.receiving === true;
  }

  /** The client is kept from sending its body. */
  get pausing(): boolean {
    return this.reading?.pausing === true;
  }

  /**
   * Text of the peer's address, `unix` for the peer of a unix socket; only while open. Undefined when a TCP peer has
   * reset the connection and the engine has not told of it yet.
   */
  remoteAddress(): string | undefined {
    return this.peers.addressOf(this.response);
  }

  listen(events: DownstreamEvents): void {
    this.events = events;
  }

  /** The engine's handler is about to return; must be called. */
  handled(): void {
    this.handling = false;
  }

  /** Must be called before the engine's handler returns, or body bytes are lost. */
  takeBody(): void {
    const reading = new Reading(this.response);
    this.reading = reading;
    this.response.onData((chunk, last) => {
      if (last) reading.end();
      // The engine goes on delivering a body after the answer is complete; it is not wanted then.
      this.linger?.take(chunk.byteLength, last);
      this.events?.onRequestBody(new Uint8Array(chunk), last);
    });
  }

  /** Stops reading the request body. The engine may still deliver what the kernel has received (megabytes). */
  pauseBody(): void {
    if (this.over || this.reading === undefined || this.reading.pausing) return;
    this.reading.stop();
    this.onStopped();
  }

  resumeBody(): void {
    if (this.over || this.reading?.pausing !== true) return;
    this.reading.go();
    this.onRead();
  }

  /** Whether the client was kept from sending its body at any time since this was asked before. */
  takePaused(): boolean {
    return this.reading?.takeStopped() === true;
  }

  /**
   * Puts off the engine's time-out: it cuts bodies below 16 KB/s, clients that were asked to pause, and after a
   * resume also exchanges that wait for upstream, none of which is its business. It must come at least every 8 s.
   */
  postponeTimeout(): void {
    if (!this.over && !this.behind) this.reading?.postpone();
  }

  /**
   * Sends a whole answer. `close` ends the connection after it. `announced` is for answers without a body to HEAD
   * or with 304: the Content-Length to announce, or -1 for none; otherwise undefined. Returns false when the client
   * cannot take all of it now; a copy of the rest is kept and `onDrained` follows.
   */
  answer(head: AnswerHead, body: Uint8Array, close: boolean, announced?: number): boolean {
    if (this.over) return true;
    this.resumeBody();
    this.started = true;
    if (announced === undefined && !close && body.length > 0) return this.sendWhole(head, body);
    this.response.cork(() => {
      writeHead(this.response, head);
      this.over = true;
      if (announced === undefined) {
        if (close && this.closesItself) this.response.writeHeader('connection', 'close');
        this.response.end(body, close);
        return;
      }
      if (announced >= 0) this.response.writeHeader('content-length', String(announced));
      if (close) this.endHeadByHand('close\r\n');
      else this.response.endWithoutBody();
    });
    if (close && announced !== undefined) {
      this.events = undefined;
      this.response.close();
    }
    return true;
  }

  /**
   * Sends a whole answer while the client is still sending its body, and ends the connection when that is through or
   * long enough was waited for it, so that no reset overtakes the answer. `announced` as for `answer`; `events` go on
   * to hear of the body, until `release`. To the engine the answer is never complete: it would take the connection for
   * free then, and could not be told to pause, nor to close.
   */
  answerBeforeBody(head: AnswerHead, body: Uint8Array, announced?: number, events?: DownstreamEvents): void {
    if (this.over) return;
    this.resumeBody();
    this.started = true;
    this.events = events;
    this.answeredEarly = true;
    this.response.cork(() => {
      writeHead(this.response, head);
      if (announced === undefined) {
        this.response.writeHeader('transfer-encoding', 'chunked');
        this.endHeadByHand(closeAndChunk(body));
      } else {
        if (announced >= 0) this.response.writeHeader('content-length', String(announced));
        this.endHeadByHand('close\r\n');
      }
    });
    if (events === undefined) this.release();
  }

  /** The rest of the body behind such an answer is not wanted any more; harmless behind any other. */
  release(): void {
    if (!this.answeredEarly || this.over) return;
    this.events = undefined;
    this.resumeBody();
    this.linger = new Linger(() => this.response.close());
    if (!this.receiving) this.linger.take(0, true);
  }

  protected onDrained(): void {
    this.events?.onDrained();
  }

  /** Cuts the connection, so that a started answer does not look whole. */
  abort(): void {
    if (this.over) return;
    this.events = undefined;
    this.response.close();
  }

  /** The engine closes by itself only after a body, so a head alone is ended here and the connection by the caller. */
  private endHeadByHand(connection: string | Uint8Array): void {
    this.response.writeHeader('date', new Date(systemClock.wall()).toUTCString());
    this.response.writeHeader('connection', connection);
  }
}
