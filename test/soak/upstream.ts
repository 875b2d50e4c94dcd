import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Bytes that both sides can make from a number. */
export function bytesOf(seed: number, length: number): Buffer {
  const line = createHash('sha256').update(String(seed)).digest();
  return Buffer.alloc(length, line);
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A service that answers so that its clients can tell whether every byte of both ways arrived; it can go and come back. */
export class SoakUpstream {
  #server: Server;
  #port = 0;

  private constructor() {
    this.#server = this.#serve();
  }

  static async start(): Promise<SoakUpstream> {
    const upstream = new SoakUpstream();
    await upstream.#listen();
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Goes in the middle of everything. */
  async goDown(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async comeBack(): Promise<void> {
    this.#server = this.#serve();
    await this.#listen();
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #serve(): Server {
    // Longer than the gateway keeps an idle connection, so that never both close at one time.
    return createServer({ keepAliveTimeout: 60_000 }, answer);
  }
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const [, what, first, second] = (request.url ?? '').split('/');
  if (what === 'bytes') {
    response.end(bytesOf(Number(first), Number(second)));
  } else if (what === 'reset') {
    response.writeHead(200, { 'Content-Length': 100_000 });
    response.write(Buffer.alloc(20_000), () => response.destroy());
  } else if (what === 'sum') {
    const sum = createHash('sha256');
    request.on('data', (chunk: Buffer) => sum.update(chunk));
    request.on('end', () => response.end(sum.digest('hex')));
    request.on('error', () => response.destroy()); // The client of the soak has left.
  } else {
    response.end(`${request.url} ${request.headers['x-user-id'] ?? 'nobody'}`);
  }
}
