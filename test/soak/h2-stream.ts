import { H2Reader } from './h2-reader.ts';

/** What a stream needs of its connection. */
export interface StreamOutput {
  /** Bytes of a body that both windows and the size of a frame allow now. */
  room(stream: H2Stream): number;
  /** Sends at most so many bytes; resolves when the kernel has them, or will never have. */
  data(stream: H2Stream, bytes: Uint8Array, ends: boolean): Promise<void>;
  /** Allows the other side to send that many bytes more. */
  grant(stream: H2Stream, bytes: number): void;
}

/** Bytes that the gateway may send on a stream before they are read: what a slow reader takes before it rests. */
export const STREAM_WINDOW = 64 * 1024;

/** One request and its response on a connection by HTTP/2. */
export class H2Stream {
  readonly id: number;
  readonly reader = new H2Reader();
  /** Bytes that may be sent, and that may come. */
  sendWindow: number;
  window = STREAM_WINDOW;
  /** The client has sent the last of it. */
  isSent = false;
  /** The gateway has sent the last of it. */
  hasEnded = false;
  /** Why the stream is over before both sides have ended; undefined while it goes on. */
  cutBy: string | undefined;
  /** The code of RST_STREAM. */
  resetCode: number | undefined;
  readonly #output: StreamOutput;
  #onChange: () => void = () => {};
  #wake: (() => void) | undefined;
  /** Bytes that were read, and are not granted again. */
  #owed = 0;
  #isResting = false;

  constructor(id: number, sendWindow: number, output: StreamOutput) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.#output = output;
  }

  /** @param onChange called when more of the response, or its end, has come. */
  listen(onChange: () => void): void {
    this.#onChange = onChange;
  }

  /** Resolves when the kernel has the piece, or never will. */
  async send(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      if (this.cutBy !== undefined) return;
      const room = Math.min(this.#output.room(this), piece.length - at);
      if (room > 0) await this.#output.data(this, piece.subarray(at, at + room), false);
      else await this.#room();
      at += Math.max(0, room);
    }
  }

  /** Ends the request. */
  async finish(): Promise<void> {
    if (this.cutBy !== undefined) return;
    this.isSent = true;
    await this.#output.data(this, new Uint8Array(), true);
  }

  /** Reads nothing for that long. */
  rest(ms: number): void {
    this.#isResting = true;
    setTimeout(() => {
      this.#isResting = false;
      this.#grant(1);
    }, ms);
  }

  /** The window has grown, or the stream is cut. */
  onRoom(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  onData(body: Buffer, ends: boolean): void {
    this.window -= body.length;
    this.#owed += body.length;
    this.reader.push(body);
    this.#end(ends);
    this.#grant(STREAM_WINDOW / 2);
  }

  onHead(fields: readonly (readonly [name: string, value: string])[], ends: boolean): void {
    this.reader.begin(fields);
    this.#end(ends);
  }

  onReset(code: number): void {
    this.resetCode ??= code;
    this.onCut(`a reset with ${code}`);
  }

  onCut(why: string): void {
    this.hasEnded = true;
    this.cutBy ??= why;
    this.#onChange();
    this.onRoom();
  }

  #end(ends: boolean): void {
    if (ends) {
      this.hasEnded = true;
      this.reader.end();
    }
    this.#onChange();
  }

  #grant(least: number): void {
    if (this.#isResting || this.hasEnded || this.#owed < least) return;
    this.#output.grant(this, this.#owed);
    this.window += this.#owed;
    this.#owed = 0;
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
