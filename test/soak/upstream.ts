import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { bytesOf } from './bytes.ts';
import { SeenRequests } from './seen-requests.ts';
import { echoFrames } from './websocket-echo.ts';

export type UpstreamName = 'a' | 'b';

/** A service whose responses show clients whether every byte of both directions arrived; it can go and come back. */
export class SoakUpstream {
  readonly name: UpstreamName;
  readonly seen = new SeenRequests();
  /** WebSockets, which the server does not know any more. */
  readonly #upgraded = new Set<Duplex>();
  #server: Server;
  #port = 0;

  private constructor(name: UpstreamName) {
    this.name = name;
    this.#server = this.#serve();
  }

  static async start(name: UpstreamName): Promise<SoakUpstream> {
    const upstream = new SoakUpstream(name);
    await upstream.#listen();
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Goes in the middle of everything. */
  async goDown(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.close();
    await closed;
  }

  async comeBack(): Promise<void> {
    this.#server = this.#serve();
    await this.#listen();
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #serve(): Server {
    // Longer than the gateway keeps an idle connection, so that never both close at one time.
    const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      response.sendDate = false;
      response.setHeader('X-Upstream', this.name);
      this.seen.note(request, response);
      request.on('error', () => response.destroy()); // The client of the soak has left.
      respond(request, response);
    });
    return server.on('upgrade', (request, socket, head) => {
      this.#upgraded.add(socket);
      socket.on('close', () => this.#upgraded.delete(socket));
      echoFrames(request, socket, head);
    });
  }
}

/** The request as it was received. */
/** The mark of the loop guard differs after each start, so it is searched for and left out. */
function echoOf({ method, url, rawHeaders }: IncomingMessage): string {
  const mark = rawHeaders.indexOf('x-portcullis-via');
  if (mark < 0) return 'no mark of the loop guard';
  return JSON.stringify([method, url, ...rawHeaders.toSpliced(mark, 2)]);
}

function respond(request: IncomingMessage, response: ServerResponse): void {
  const [, , what, first, second] = (request.url ?? '').split('/');
  if (what === 'stall') return; // For ever.
  if (what === 'drop') request.socket.destroy();
  else if (what === 'garbage') request.socket.end('HTTP/1.1 2OO OK\r\n\r\n');
  else if (what === 'reset') {
    const bytes = bytesOf(Number(first), Number(second));
    response.writeHead(200, { 'Content-Length': bytes.length });
    response.write(bytes.subarray(0, bytes.length >> 1), () => request.socket.destroy());
  } else if (what === 'bytes') {
    const bytes = bytesOf(Number(first), Number(second));
    response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
  } else if (what === 'pour') pour(bytesOf(Number(first), Number(second)), response);
  else if (request.method === 'POST') {
    const sum = createHash('sha256');
    request.on('data', (chunk: Buffer) => sum.update(chunk));
    request.on('end', () => echo(`${echoOf(request)} ${sum.digest('hex')}`, response));
  } else echo(echoOf(request), response);
}

function echo(text: string, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

/** In chunks, each of which is an event of its own. */
function pour(bytes: Buffer, response: ServerResponse): void {
  const step = Math.ceil(bytes.length / 5);
  let at = 0;
  const next = (): void => {
    if (at >= bytes.length || response.destroyed) response.end();
    else {
      response.write(bytes.subarray(at, at + step));
      at += step;
      setImmediate(next);
    }
  };
  next();
}
