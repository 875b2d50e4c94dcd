import type { Buffer } from 'node:buffer';
import type { ResponseHead } from '../../../http/message.ts';
import { TunnelInlet } from '../../../http/tunnel-inlet.ts';
import type { TunnelEvents, TunnelSide } from '../../../http/tunnel-side.ts';
import { CANCEL } from './codes.ts';
import type { HeldBytes } from './held-bytes.ts';

/**
 * Bytes that a client may send before its tunnel is open, as many as with HTTP/1.1. RFC 6455 §4.1 allows none, and who
 * sends them may have no valid token.
 */
const EARLY_BYTES = 64 * 1024;

/** Milliseconds in which a client must end its side behind ours: the answer to a Close frame takes a round trip. */
const CLOSE_MS = 5_000;

/** The stream of a tunnel. */
interface TunnelStream {
  send(pieces: readonly Uint8Array[], last: boolean): boolean;
  pauseBody(): void;
  resumeBody(): void;
  leave(): void;
  abort(code: number): void;
}

/**
 * The client's side of a tunnel: the stream of an extended CONNECT (RFC 8441). While it is paused the client is granted no
 * bytes, so it keeps a window of the stream, 256 KiB. That counts as what waits for clients does.
 */
export class H2Tunnel implements TunnelSide {
  /** The client was told that it is open. */
  isOpen = false;
  readonly #stream: TunnelStream;
  readonly #held: HeldBytes;
  readonly #inlet: TunnelInlet;
  /** Bytes that the inlet keeps. */
  #kept = 0;
  /** Our side has ended, and nobody hears the client any more. */
  #left = false;
  /** Monotonic milliseconds of the first review behind that; -1 before. */
  #leftAt = -1;

  constructor(stream: TunnelStream, held: HeldBytes) {
    this.#stream = stream;
    this.#held = held;
    const source = { pause: () => stream.pauseBody(), resume: () => stream.resumeBody() };
    this.#inlet = new TunnelInlet(source, undefined, false);
  }

  start(events: TunnelEvents): void {
    this.#give();
    this.#inlet.start(events);
  }

  write(bytes: Uint8Array): boolean {
    return this.#inlet.over || this.#stream.send([bytes], false);
  }

  end(): void {
    if (!this.#inlet.over) this.#stream.send([], true);
  }

  pause(): void {
    this.#inlet.pause();
  }

  resume(): void {
    this.#give();
    this.#inlet.resume();
  }

  close(): void {
    if (this.#inlet.over) return;
    this.#stop();
    this.#left = true;
    this.#stream.leave();
  }

  /** RFC 8441 §5. */
  destroy(): void {
    if (this.#inlet.over) return;
    this.#stop();
    this.#stream.abort(CANCEL);
  }

  /**
   * Takes what the client sends, a view that is valid during the call. @param last it sends nothing more.
   * @returns false when there is no room.
   */
  take(bytes: Buffer, last: boolean): boolean {
    const inlet = this.#inlet;
    const { length } = bytes;
    if (length > 0 && inlet.paused && !inlet.over) {
      if (!this.isOpen && this.#kept + length > EARLY_BYTES) return false;
      if (!this.#held.take(length)) return false;
      this.#kept += length;
    }
    if (length > 0) inlet.take(bytes);
    if (last) inlet.onEnd();
    return true;
  }

  onDrained(): void {
    this.#inlet.events?.onDrained();
  }

  /** The stream is gone. */
  onAborted(): void {
    this.#give();
    this.#inlet.onClosed();
  }

  /** The client gets another response than the one that opens it: what it sends is dropped. */
  refuse(): void {
    if (!this.isOpen) this.#stop();
  }

  /** Whether the client was given its time to end its side behind ours. @param now monotonic milliseconds. */
  isLate(now: number): boolean {
    if (!this.#left) return false;
    if (this.#leftAt < 0) this.#leftAt = now;
    return now - this.#leftAt >= CLOSE_MS;
  }

  #stop(): void {
    this.#give();
    this.#inlet.end();
  }

  #give(): void {
    this.#held.give(this.#kept);
    this.#kept = 0;
  }
}

/** The head that opens a tunnel by HTTP/2, of the 101 by which upstream has opened it (RFC 8441 §5). */
export function connectedHead({ lines, eightBit }: ResponseHead): ResponseHead {
  const [, ...fields] = lines.split('\r\n');
  // It answers a key that the client has never seen.
  const kept = fields.filter((line) => !/^sec-websocket-accept:/i.test(line));
  return {
    status: 200,
    lines: ['200 OK', ...kept].join('\r\n'),
    eightBit,
    framing: 'chunked',
    contentLength: -1,
  };
}
