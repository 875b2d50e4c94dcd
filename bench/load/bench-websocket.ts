import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { downloadPayload, ECHO_BYTES } from '../upstream.ts';
import { bareFrame, MASKED_HEADER, maskedFrame } from './frames.ts';

/** Milliseconds without a message that is due. */
const TIMEOUT_MS = 20_000;
const large = bareFrame(downloadPayload());
/** As many as one read can touch, to compare it with a part of them: a read has 256 KiB at most. */
const largeOnes = Buffer.concat(Array.from({ length: 6 }, () => large));

/**
 * A WebSocket of a client that speaks frames on its socket, without a library. Every byte that comes is compared with the
 * bytes that are due.
 */
export class BenchWebSocket {
  readonly #socket: Socket;
  #take: (bytes: Buffer) => void = () => {};
  #fail: (error: Error) => void = () => {};
  /** The message under way, as it is sent and as it comes back. */
  readonly #sent: Buffer;
  readonly #due: Buffer;
  readonly #key = randomBytes(4);
  #number = 0;

  /** @param buffer for the reads of all clients. */
  constructor(port: number, buffer: Buffer) {
    const payload = randomBytes(ECHO_BYTES);
    this.#sent = maskedFrame(payload, this.#key);
    this.#due = bareFrame(payload);
    const callback = (length: number): boolean => {
      this.#take(buffer.subarray(0, length));
      return true;
    };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the WebSocket has ended')));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Sends the request and takes the 101. */
  async open(path: string, token: string, key: string): Promise<void> {
    let text = '';
    await this.#until((done) => {
      this.#take = (bytes) => {
        text += bytes.toString('latin1');
        if (!text.endsWith('\r\n\r\n')) return;
        if (text.startsWith('HTTP/1.1 101')) done();
        else this.#fail(new Error(`no WebSocket: ${text.slice(0, 200)}`));
      };
      const fields = `Authorization: Bearer ${token}\r\nConnection: Upgrade\r\nUpgrade: websocket`;
      const own = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n${own}\r\n\r\n`);
    });
  }

  /** One message there and back. */
  echo(): Promise<void> {
    return this.echoUntil(0, () => {});
  }

  /** One message after the other, at least one. @param until monotonic milliseconds of the last one. */
  async echoUntil(until: number, record: (ms: number) => void): Promise<void> {
    const due = this.#due;
    let since = 0;
    let come = 0;
    const next = (): void => {
      this.#renew();
      come = 0;
      since = performance.now();
      this.#socket.write(this.#sent);
    };
    await this.#until((done) => {
      this.#take = (bytes) => {
        const { length } = bytes;
        if (come + length > due.length || bytes.compare(due, come, come + length) !== 0) {
          this.#fail(new Error(`another message than was sent: ${bytes.toString('hex')}`));
          return;
        }
        come += length;
        if (come < due.length) return;
        const now = performance.now();
        record(now - since);
        if (now >= until) done();
        else next();
      };
      next();
    });
  }

  /** Gets that many large messages. */
  async download(messages: number, record: (ms: number) => void = () => {}): Promise<void> {
    let come = 0;
    let left = messages;
    let since = performance.now();
    await this.#until((done) => {
      this.#take = (bytes) => {
        if (bytes.compare(largeOnes, come, come + bytes.length) !== 0) {
          this.#fail(new Error('other bytes than were due'));
          return;
        }
        come += bytes.length;
        while (come >= large.length) {
          come -= large.length;
          left -= 1;
          const now = performance.now();
          record(now - since);
          since = now;
        }
        if (left < 0 || (left === 0 && come > 0)) this.#fail(new Error('more messages than were due'));
        else if (left === 0) done();
      };
      const payload = Buffer.alloc(ECHO_BYTES);
      payload.writeUInt32BE(messages, 0);
      this.#socket.write(maskedFrame(payload, this.#key));
    });
  }

  /** Makes another message of the last one: an echo that comes twice is not taken for the next. */
  #renew(): void {
    this.#number = (this.#number + 1) % 2 ** 32;
    const at = this.#due.length - 4;
    this.#due.writeUInt32BE(this.#number, at);
    for (let index = 0; index < 4; index += 1) {
      // The last 4 bytes of a payload whose length is a multiple of 4.
      this.#sent[MASKED_HEADER + ECHO_BYTES - 4 + index] =
        (this.#due[at + index] as number) ^ (this.#key[index] as number);
    }
  }

  /** Rejects when the connection ends before, or nothing comes for too long. */
  async #until(begin: (done: () => void) => void): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.setTimeout(TIMEOUT_MS, () => this.#fail(new Error('no message in time')));
      this.#fail = (error) => {
        reject(error);
        this.#socket.destroy();
      };
      begin(resolve);
    });
    this.#socket.setTimeout(0);
    this.#take = (bytes) => this.#fail(new Error(`bytes that are not due: ${bytes.toString('hex', 0, 64)}`));
  }
}
