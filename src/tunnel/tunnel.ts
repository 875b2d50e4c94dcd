import { randomBytes } from 'node:crypto';
import type { TunnelEvents, TunnelSide } from '../http/tunnel-side.ts';
import { closeFrame, MASK_BYTES } from '../http/websocket/close-frame.ts';
import { FrameTracker } from '../http/websocket/frame-tracker.ts';

/** The owner of a tunnel. */
export interface TunnelOwner {
  /** Now, in monotonic milliseconds, as of the last tick. */
  readonly now: number;
  /** Both sides are gone, or will be soon without us. */
  onOver(tunnel: Tunnel): void;
}

/** The end of a tunnel that the gateway ends itself. */
export interface Ending {
  /** For the access log and metrics. */
  readonly reason: string;
  /** The status of the Close frame (RFC 6455 §7.4.1). */
  readonly code: number;
}

/**
 * Carries bytes both ways between a client and a server that have agreed on another protocol. Each direction is paused
 * while its receiver takes nothing, so a tunnel keeps what one read has brought, 64 KiB, in each direction at most.
 *
 * With WebSocket it follows the frames of both sides, so that its own Close frames come between two of them.
 */
export class Tunnel {
  /** Bytes from the client, and to it. */
  received = 0;
  sent = 0;
  /** Monotonic milliseconds of the last bytes in either direction. */
  movedAt: number;
  /** Wall-clock seconds at which its token ends; undefined where that was never known. */
  expiresAt: number | undefined;
  /** Which side has ended first, or why the gateway ends it; undefined while both are open. */
  endedBy: string | undefined;
  readonly #client: TunnelSide;
  readonly #upstream: TunnelSide;
  /** Those of the server, and those of the client; undefined where the bytes are no frames. */
  readonly #frames: FrameTracker | undefined;
  readonly #clientFrames: FrameTracker | undefined;
  readonly #owner: TunnelOwner;
  #clientEnded = false;
  #upstreamEnded = false;
  /** The gateway ends it: a Close frame goes to the client at the next boundary. */
  #ending: Ending | undefined;
  #over = false;

  /** @param isWebSocket otherwise the bytes are of a protocol unknown to the gateway. */
  constructor(client: TunnelSide, upstream: TunnelSide, isWebSocket: boolean, owner: TunnelOwner) {
    this.#client = client;
    this.#upstream = upstream;
    this.#frames = isWebSocket ? new FrameTracker() : undefined;
    this.#clientFrames = isWebSocket ? new FrameTracker() : undefined;
    this.#owner = owner;
    this.movedAt = owner.now;
  }

  /** Begins to carry. */
  start(): void {
    this.#upstream.start(this.#fromUpstream);
    if (!this.#over) this.#client.start(this.#fromClient);
  }

  /** The gateway ends it. */
  get ending(): boolean {
    return this.#ending !== undefined;
  }

  /**
   * Ends it for a reason of the gateway, also if one side has ended and still receives. What is left after a second is
   * for `cut`.
   */
  finish(ending: Ending): void {
    if (this.#ending !== undefined || this.#over) return;
    this.endedBy = ending.reason;
    this.#ending = ending;
    if (this.#frames === undefined) this.cut(ending.reason);
    else if (this.#frames.atBoundary || this.#upstreamEnded) this.#close();
  }

  /** Ends it at once. */
  cut(reason: string): void {
    this.endedBy ??= reason;
    if (this.#over) return;
    this.#over = true;
    this.#client.destroy();
    this.#upstream.destroy();
    this.#owner.onOver(this);
  }

  readonly #fromClient: TunnelEvents = {
    onBytes: (bytes) => {
      // After its end the client's own Close frame comes, and is not needed.
      if (this.#ending !== undefined || this.#over) return;
      this.received += bytes.length;
      this.movedAt = this.#owner.now;
      this.#clientFrames?.pass(bytes);
      if (!this.#upstream.write(bytes)) this.#client.pause();
    },
    onDrained: () => {
      if (!this.#over) this.#upstream.resume();
    },
    onEnd: () => {
      this.#clientEnded = true;
      this.endedBy ??= 'client_closed';
      if (this.#over) return;
      if (this.#upstreamEnded || this.#ending !== undefined) this.#leave();
      else this.#upstream.end();
    },
    onClosed: () => {
      this.endedBy ??= 'client_closed';
      this.#leave();
    },
  };

  readonly #fromUpstream: TunnelEvents = {
    onBytes: (bytes) => {
      if (this.#over) return;
      const own = this.#untilBoundary(bytes);
      this.sent += own.length;
      this.movedAt = this.#owner.now;
      if (own.length > 0 && !this.#client.write(own)) this.#upstream.pause();
      if (this.#ending !== undefined && this.#frames?.atBoundary === true) this.#close();
    },
    onDrained: () => {
      if (!this.#over) this.#client.resume();
    },
    onEnd: () => {
      this.#upstreamEnded = true;
      this.endedBy ??= 'upstream_closed';
      if (this.#over) return;
      if (this.#clientEnded || this.#ending !== undefined) this.#leave();
      else this.#client.end();
    },
    onClosed: () => {
      // A reset must not look like an end of the server's own, unless the server has said all that it had to say.
      if (!this.#upstreamEnded && !hasClosed(this.#frames)) this.cut('upstream_reset');
      this.endedBy ??= 'upstream_closed';
      this.#leave();
    },
  };

  /** Follows the frames. Returns what may go to the client: up to the end of the present frame if the tunnel is to end. */
  #untilBoundary(bytes: Uint8Array): Uint8Array {
    const frames = this.#frames;
    if (frames === undefined) return bytes;
    if (this.#ending !== undefined) return bytes.subarray(0, frames.take(bytes, 0));
    frames.pass(bytes);
    return bytes;
  }

  /**
   * Ends both sides, each with a Close frame unless it has got the end of the other side, a Close frame of it, or a part of a
   * frame. Upstream gets the status that the client gets.
   */
  #close(): void {
    const { code, reason } = this.#ending as Ending;
    if (!this.#upstreamEnded && mayClose(this.#frames)) this.#client.write(closeFrame(code, reason));
    if (!this.#clientEnded && mayClose(this.#clientFrames))
      this.#upstream.write(closeFrame(code, reason, randomBytes(MASK_BYTES)));
    this.#leave();
  }

  /** Lets both sides end behind what was written. */
  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#upstream.close();
    this.#client.close();
    this.#owner.onOver(this);
  }
}

/** A Close frame may follow. */
function mayClose(frames: FrameTracker | undefined): boolean {
  return frames?.atBoundary === true && !frames.closes;
}

/** A Close frame has come whole. */
function hasClosed(frames: FrameTracker | undefined): boolean {
  return frames?.atBoundary === true && frames.closes;
}
