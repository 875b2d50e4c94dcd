import { randomBytes } from 'node:crypto';
import { acceptOf } from '../../src/http/websocket/handshake.ts';
import type { ClientSocket } from './client-socket.ts';
import { CLOSE, closeOf, type Frame, FrameReader, frameOf, PING, PONG } from './websocket-frames.ts';

/** What came of a request for a WebSocket: the status, and the reason word of a refusal; undefined: no whole response. */
export interface Opening {
  readonly status: number | undefined;
  readonly reason: string | undefined;
}

/** A WebSocket of a client. Every frame that comes is compared with the one that is due. */
export class TunnelSession {
  readonly socket: ClientSocket;
  /** The first byte that is wrong, in words. */
  fault: string | undefined;
  /** The Close frame that came. */
  close: { readonly code: number; readonly reason: string } | undefined;
  /** The client has sent a Close frame. */
  asked = false;
  readonly #reader = new FrameReader();
  /** The frames that must come, and since when. */
  readonly #due: (Frame & { readonly since: number })[] = [];
  #onEnd: () => void = () => {};

  constructor(socket: ClientSocket) {
    this.socket = socket;
  }

  /** The connection has no more to say. */
  get isOver(): boolean {
    return this.fault !== undefined || this.close !== undefined || this.socket.closedBy !== undefined;
  }

  get isBetween(): boolean {
    return this.#reader.isBetween;
  }

  /** Monotonic milliseconds since when the oldest frame is due; undefined: none is. */
  get dueSince(): number | undefined {
    return this.#due[0]?.since;
  }

  /** Asks for it. @param user of the token, whom upstream must name first. */
  async open(path: string, token: string, user: string): Promise<Opening> {
    const key = randomBytes(16).toString('base64');
    const fields = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
    const came = this.#response();
    void this.socket.write(
      `GET ${path} HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer ${token}\r\n${fields}\r\n\r\n`,
    );
    const { text, behind } = await came;
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? Number.NaN);
    if (status !== 101) {
      const reason = /"code":"(\w+)"/.exec(text)?.[1];
      return { status: Number.isNaN(status) ? undefined : status, reason };
    }
    if (!text.toLowerCase().includes(`sec-websocket-accept: ${acceptOf(key).toLowerCase()}\r\n`)) {
      this.fault = `not the accept value of the key: ${text}`;
    }
    this.#expect({ first: 0x81, payload: Buffer.from(user) });
    this.socket.listen({ onBytes: (bytes) => this.#take(bytes), onClosed: () => this.#onEnd() });
    this.#take(behind);
    return { status, reason: undefined };
  }

  /** Sends a frame, which must come back: a ping as a pong. */
  send(frame: Frame): void {
    if (frame.first === CLOSE) this.asked = true;
    this.#expect(frame.first === PING ? { ...frame, first: PONG } : frame);
    void this.socket.write(frameOf(frame, randomBytes(4)));
  }

  /** Calls it once when there is no more to come. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
    if (this.isOver) listener();
  }

  /** Resolves with a head and its body, or with what has come when the connection ends. */
  #response(): Promise<{ readonly text: string; readonly behind: Buffer }> {
    return new Promise((resolve) => {
      let bytes: Buffer = Buffer.alloc(0);
      this.socket.listen({
        onBytes: (more) => {
          bytes = Buffer.concat([bytes, more]);
          const end = bytes.indexOf('\r\n\r\n') + 4;
          if (end < 4) return;
          const head = bytes.toString('latin1', 0, end);
          const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? 0);
          if (bytes.length < end + length) return;
          const text = bytes.toString('latin1', 0, end + length);
          resolve({ text, behind: bytes.subarray(end + length) });
        },
        onClosed: () => resolve({ text: '', behind: bytes }),
      });
    });
  }

  #expect(frame: Frame): void {
    this.#due.push({ ...frame, since: performance.now() });
  }

  #take(bytes: Buffer): void {
    for (const frame of this.#reader.push(bytes)) {
      if (this.isOver) this.fault ??= `a frame behind the Close: ${frame.first.toString(16)}`;
      const due = this.#due.shift();
      if (frame.first === CLOSE) this.close ??= closeOf(frame);
      else if (due === undefined || due.first !== frame.first || !due.payload.equals(frame.payload)) {
        this.fault ??= `a frame of ${frame.payload.length} bytes, ${frame.first.toString(16)}, in place of ${due?.payload.length}, ${due?.first.toString(16)}`;
      }
    }
    if (this.close !== undefined && !this.isBetween) this.fault ??= 'bytes behind the Close';
    if (this.isOver) this.#onEnd();
  }
}
