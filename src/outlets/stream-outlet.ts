import { connect, type Socket } from 'node:net';
import { CLOSE_MS, type LineOutlet, MAX_WAITING_BYTES, type OutletEvents } from './line-outlet.ts';

/** Milliseconds between two attempts to connect. */
const RETRY_MS = 1_000;
/** Milliseconds for a connection to be made. */
const CONNECT_MS = 5_000;

/**
 * Sends messages over TCP or a unix socket of the stream kind, each after its length (RFC 6587 §3.4.1). While there is no
 * connection they wait. Messages that the system has taken may be lost unseen when the connection ends.
 */
export class StreamOutlet implements LineOutlet {
  readonly #address: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly #message: (line: string) => string;
  readonly #events: OutletEvents;
  #socket: Socket | undefined;
  #connected = false;
  #waiting: Buffer[] = [];
  /** Of the messages that wait, and of those that the system has not taken yet. */
  #bytes = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    address: { readonly host: string; readonly port: number } | { readonly path: string },
    message: (line: string) => string,
    events: OutletEvents,
  ) {
    this.#address = address;
    this.#message = message;
    this.#events = events;
  }

  get crowded(): boolean {
    return this.#bytes >= MAX_WAITING_BYTES;
  }

  /** Does not wait for the connection. */
  async open(): Promise<void> {
    this.#connect();
  }

  write(line: string): void {
    const message = Buffer.from(this.#message(line));
    const frame = Buffer.concat([Buffer.from(`${message.length} `), message]);
    this.#bytes += frame.length;
    if (this.#socket === undefined || !this.#connected) this.#waiting.push(frame);
    else this.#send(this.#socket, frame);
  }

  /** Has no meaning here: a connection that ends is made anew by itself. */
  async reopen(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (socket !== undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => socket.destroy(), CLOSE_MS);
        socket.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        if (this.#connected) socket.end();
        else if (this.#waiting.length > 0) socket.once('connect', () => socket.end());
        else socket.destroy();
      });
    }
    if (this.#waiting.length > 0) this.#events.lost(this.#waiting.length);
    this.#waiting = [];
  }

  #connect(): void {
    const socket = connect({ ...this.#address });
    this.#socket = socket;
    let why = 'the connection has ended';
    socket.setTimeout(CONNECT_MS, () => {
      why = 'no connection in time';
      socket.destroy();
    });
    socket.once('connect', () => {
      socket.setTimeout(0);
      this.#connected = true;
      this.#events.recovered();
      for (const frame of this.#waiting.splice(0)) this.#send(socket, frame);
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      why = code ?? 'unknown';
    });
    socket.setKeepAlive(true);
    // A syslog server says nothing; reading finds the end of the connection.
    socket.resume();
    socket.once('close', () => {
      this.#connected = false;
      this.#socket = undefined;
      if (this.#closed) return;
      this.#events.failed(why);
      this.#retry = setTimeout(() => this.#connect(), RETRY_MS).unref();
    });
  }

  #send(socket: Socket, frame: Buffer): void {
    socket.write(frame, (error) => {
      this.#bytes -= frame.length;
      if (error != null) this.#events.lost(1);
    });
  }
}
