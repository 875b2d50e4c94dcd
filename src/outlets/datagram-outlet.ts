import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { settledWithin } from '../lib/settled-within.ts';
import { CLOSE_MS, type LineOutlet, MAX_WAITING_BYTES, type OutletEvents } from './line-outlet.ts';

/** Milliseconds until a name that could not be looked up is tried again. */
const RETRY_MS = 5_000;

/**
 * Sends each message as a datagram (RFC 5426). What gets lost on the way is not known, except where the other machine says
 * that nothing listens.
 */
export class DatagramOutlet implements LineOutlet {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #message: (line: string) => string;
  readonly #events: OutletEvents;
  #socket: Socket | undefined;
  /** Messages until the name of the receiver is known. */
  #waiting: Buffer[] = [];
  #bytes = 0;
  #sending = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(
    address: { readonly host: string; readonly port: number },
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

  /** Does not wait for the look-up of a name. */
  async open(): Promise<void> {
    this.#connect();
  }

  write(line: string): void {
    const message = Buffer.from(this.#message(line));
    this.#bytes += message.length;
    if (this.#socket === undefined) this.#waiting.push(message);
    else this.#send(this.#socket, message);
  }

  /** A name is looked up again. */
  async reopen(): Promise<void> {
    if (this.#socket === undefined) return;
    const before = this.#socket;
    this.#socket = undefined;
    before.close();
    this.#connect();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    if (this.#sending > 0) {
      const sent = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      await settledWithin(sent, CLOSE_MS);
    }
    if (this.#waiting.length > 0) this.#events.lost(this.#waiting.length);
    this.#waiting = [];
    this.#socket?.close();
    this.#socket = undefined;
  }

  #connect(): void {
    const { host, port } = this.#address;
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    // The other machine says that nothing listens: a message before is lost.
    const onError = (error: NodeJS.ErrnoException): void => this.#lose(error);
    socket.connect(port, host, (error?: Error) => {
      if (error !== undefined) {
        socket.close();
        this.#events.failed((error as NodeJS.ErrnoException).code ?? 'unknown');
        if (!this.#closed) this.#retry = setTimeout(() => this.#connect(), RETRY_MS).unref();
        return;
      }
      if (this.#closed) {
        socket.close();
        return;
      }
      socket.on('error', onError);
      this.#socket = socket;
      for (const message of this.#waiting.splice(0)) this.#send(socket, message);
    });
  }

  #send(socket: Socket, message: Buffer): void {
    this.#sending += 1;
    socket.send(message, (error) => {
      this.#bytes -= message.length;
      this.#sending -= 1;
      if (error === null) this.#events.recovered();
      else this.#lose(error);
      if (this.#sending === 0) this.#onIdle?.();
    });
  }

  #lose(error: NodeJS.ErrnoException): void {
    this.#events.lost(1);
    this.#events.failed(error.code ?? 'unknown');
  }
}
