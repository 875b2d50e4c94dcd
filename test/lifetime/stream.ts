import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '../support/gateway.ts';

export const MIB = 1024 * 1024;
export const GIB = 1024 * MIB;

/**
 * Polls without progress after which a transfer counts as stopped: some 300 ms. Not a time, because on a busy machine
 * this process may not have run, and moved nothing, for as long.
 */
const STILL_POLLS = 50;

export type BodyFraming = 'length' | 'chunked' | 'close';

/** The header line, with its CRLF, for a body of `size` bytes with this framing. */
export function framingLine(framing: BodyFraming, size: number): string {
  if (framing === 'length') return `Content-Length: ${size}\r\n`;
  return framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : '';
}

/** Bytes written at once. Small enough that the gateway's socket is empty now and then, which pauses it. */
const PIECE_BYTES = 64 * 1024;
const piece = Buffer.alloc(PIECE_BYTES, 'b');
const chunk = Buffer.concat([Buffer.from(`${PIECE_BYTES.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);

/** Writes a body of `size` bytes as fast as the socket takes it; resolves when all is written or the socket is closed. */
export async function pour(socket: Socket, framing: BodyFraming, size: number): Promise<void> {
  const gone = new Promise((resolve) => {
    socket.once('close', resolve);
    socket.once('error', resolve);
  });
  for (let at = 0; at < size && !socket.destroyed && socket.writable; at += PIECE_BYTES) {
    if (!socket.write(framing === 'chunked' ? chunk : piece)) {
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), gone]);
    }
  }
  if (socket.destroyed || !socket.writable) return;
  if (framing === 'chunked') socket.write('0\r\n\r\n');
  if (framing === 'close') socket.end();
}

/** Bytes written that the kernel has taken. */
export function takenOf(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}

/** Resolves with the value at which `probe` stays. */
export async function settled(probe: () => number): Promise<number> {
  let last = probe();
  let polls = 0;
  return eventually(probe, (seen) => {
    polls = seen === last ? polls + 1 : 0;
    last = seen;
    return polls > STILL_POLLS;
  });
}

/** A client that takes `size` bytes in each read and then waits `everyMs`; with 0 it reads only on request. */
export class SlowReader {
  readonly socket: Socket;
  reads = 0;
  received = 0;
  /** The first bytes of the response. */
  start = '';
  private everyMs: number;

  private constructor(port: number, size: number, everyMs: number) {
    this.everyMs = everyMs;
    this.socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer: Buffer.allocUnsafe(size),
        callback: (length, buffer) => {
          if (this.received === 0) this.start = Buffer.from(buffer.subarray(0, length)).toString('latin1');
          this.reads += 1;
          this.received += length;
          if (this.everyMs > 0) setTimeout(() => this.socket.resume(), this.everyMs).unref();
          return this.everyMs < 0;
        },
      },
    });
    this.socket.on('error', () => {}); // An end that tests provoke; `closed` of the socket reports it.
  }

  static async open(port: number, size: number, everyMs: number): Promise<SlowReader> {
    const reader = new SlowReader(port, size, everyMs);
    await once(reader.socket, 'connect');
    return reader;
  }

  /** From now on it reads as fast as it can. */
  hurry(): void {
    this.everyMs = -1;
    this.socket.resume();
  }
}

/** Reads `size` bytes every `everyMs` from a socket that had another reader so far. */
export function sip(socket: Socket, size: number, everyMs: number): void {
  socket.removeAllListeners('data');
  socket.pause();
  const timer = setInterval(() => socket.read(Math.min(size, socket.readableLength || size)), everyMs);
  socket.once('close', () => clearInterval(timer));
}

/** Reads and drops all bytes. */
export function swallow(socket: Socket): void {
  socket.removeAllListeners('data');
  socket.on('data', () => {});
  socket.resume();
}
