import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { FrontEvents } from '../../../../src/front/front.ts';
import type { ClientSocket } from '../../../../src/front/node/client-socket.ts';
import { H2Connection } from '../../../../src/front/node/h2/connection.ts';
import type { H2Terms } from '../../../../src/front/node/h2/streams.ts';
import { plainTerms } from './client.ts';

/** A socket of Node.js as the protocol sees it. */
class NetSocket implements ClientSocket {
  readonly scheme = 'http';
  readonly peer: string | undefined;
  readonly localHost = 'localhost';
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.peer = socket.remoteAddress;
  }

  get unsent(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes);
  }

  writeLatin1(text: string): boolean {
    return this.#socket.write(text, 'latin1');
  }

  writeMessage(text: string, pieces: readonly Uint8Array[], behind: string): boolean {
    return this.write(Buffer.concat([Buffer.from(text, 'latin1'), ...pieces, Buffer.from(behind, 'latin1')]));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.end();
    this.#socket.resume();
  }

  endWriting(): void {}

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Serves HTTP/2 without TLS, by prior knowledge, on a port of loopback. */
export class H2Server {
  readonly connections = new Set<H2Connection>();
  readonly #server: Server;
  readonly #reviews: NodeJS.Timeout;

  constructor(events: FrontEvents, terms: Omit<H2Terms, 'events'> = plainTerms) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new H2Connection(new NetSocket(socket), { ...terms, events });
      this.connections.add(connection);
      socket.setNoDelay(true);
      socket.on('data', (bytes: Buffer) => {
        connection.onBytes(bytes);
        // The bytes of a front are a view of a buffer that all connections share.
        bytes.fill(0xee);
      });
      socket.on('drain', () => connection.onDrained());
      socket.on('end', () => connection.onEnd());
      socket.on('error', () => {});
      socket.on('close', () => {
        this.connections.delete(connection);
        connection.onClosed();
      });
    });
    this.#reviews = setInterval(() => {
      for (const connection of this.connections) connection.review(performance.now());
    }, 1000);
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    clearInterval(this.#reviews);
    this.#server.close();
    if (this.connections.size > 0) await once(this.#server, 'close');
  }
}
