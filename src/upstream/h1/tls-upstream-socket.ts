import { Buffer } from 'node:buffer';
import type { TLSSocket } from 'node:tls';
import type { ServerAddress } from '../../config/upstream-config.ts';
import type { TlsClient } from '../tls-client.ts';
import type { ByteSocket } from './byte-socket.ts';
import { WriteGuard } from './write-guard.ts';

/** Events that come after the last byte. */
const ends: ReadonlySet<string> = new Set(['end', 'error', 'close']);

/**
 * `UpstreamSocket` over TLS: it outlives a failed write too. Bytes leave after `secureConnect`, so a server whose
 * certificate is refused gets none.
 *
 * Node.js decrypts all that one read has brought, also after a pause: up to 64 KiB. Those bytes, and the end of the
 * connection behind them, are held until `resume`.
 */
export class TlsUpstreamSocket implements ByteSocket {
  readonly #socket: TLSSocket;
  readonly #guard = new WriteGuard();
  readonly #read: (length: number, buffer: Buffer) => boolean;
  #paused = false;
  #held: Buffer[] = [];
  /** What has happened after the bytes that are held. */
  #after: (() => void)[] = [];

  /** Connects. @param read gets the number of bytes in the buffer, and returns whether it wants more. */
  constructor(
    tls: TlsClient,
    address: ServerAddress,
    buffer: Buffer,
    read: (length: number, buffer: Buffer) => boolean,
  ) {
    this.#read = read;
    const callback = (length: number, bytes: Uint8Array): boolean => this.#take(length, bytes as Buffer);
    const socket = tls.connect(address, 'http/1.1', { buffer, callback });
    this.#socket = socket;
    const { _write: write, _writev: writev } = socket;
    const guard = this.#guard;
    socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, guard.wrap(done));
    socket._writev = (chunks, done) => writev?.call(socket, chunks, guard.wrap(done));
    socket.cork();
    socket.once('secureConnect', () => socket.uncork());
  }

  get writeFailed(): boolean {
    return this.#guard.failed;
  }

  get wasReset(): boolean {
    return this.#guard.wasReset;
  }

  get writableLength(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array | string, encoding?: BufferEncoding): boolean {
    return this.#socket.write(bytes, encoding);
  }

  /** The bytes must be encrypted first. */
  writeNow(): number {
    return 0;
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#held.length === 0) this.#socket.resume();
    // The caller does not expect bytes before it has returned.
    else queueMicrotask(() => this.#release());
  }

  get allowHalfOpen(): boolean {
    return this.#socket.allowHalfOpen;
  }

  set allowHalfOpen(allowed: boolean) {
    this.#socket.allowHalfOpen = allowed;
  }

  end(): void {
    this.#socket.allowHalfOpen = true;
    this.#socket.end();
  }

  destroy(): void {
    this.#held = [];
    this.#after = [];
    this.#socket.destroy();
  }

  on(event: string, listener: (error: Error) => void): void {
    this.#socket.on(event, (error: Error) => {
      if (this.#held.length > 0 && ends.has(event)) this.#after.push(() => listener(error));
      else listener(error);
    });
  }

  #take(length: number, bytes: Buffer): boolean {
    if (!this.#paused && this.#held.length === 0) return this.#read(length, bytes);
    this.#held.push(Buffer.from(bytes.subarray(0, length)));
    return false;
  }

  #release(): void {
    while (!this.#paused) {
      const bytes = this.#held.shift();
      if (bytes === undefined) break;
      this.#read(bytes.length, bytes);
    }
    if (this.#held.length > 0) return;
    if (!this.#paused) this.#socket.resume();
    for (const event of this.#after.splice(0)) event();
  }
}
