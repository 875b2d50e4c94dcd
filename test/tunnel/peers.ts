import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { acceptOf } from '../../src/http/websocket/handshake.ts';
import type { TestOptions } from '../support/gateway.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** One end of a connection, with all that it has received, one character per byte. */
export class Peer {
  readonly socket: Socket;
  received = '';
  ended = false;
  /** The other side has reset it. */
  wasReset = false;
  closed = false;
  #wake = (): void => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      this.#wake();
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      this.wasReset = code === 'ECONNRESET';
    });
    socket.on('end', () => {
      this.ended = true;
      this.#wake();
    });
    socket.on('close', () => {
      this.ended = true;
      this.closed = true;
      this.#wake();
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Resolves with what was received up to this text, and forgets it. */
  async until(text: string): Promise<string> {
    await this.#when(() => this.received.includes(text) || this.ended);
    const at = this.received.indexOf(text);
    if (at < 0) throw new Error(`the connection ended after ${JSON.stringify(this.received.slice(0, 500))}`);
    const part = this.received.slice(0, at + text.length);
    this.received = this.received.slice(at + text.length);
    return part;
  }

  /** Resolves with what is left when the other side has ended. */
  async end(): Promise<string> {
    await this.#when(() => this.ended);
    return this.received;
  }

  async #when(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** An open tunnel: the client's end, and the server's. */
export interface Ends {
  readonly client: Peer;
  readonly server: Peer;
}

/** A server whose connections the tests play by hand. */
export class PeerServer {
  readonly #server: Server;
  readonly #waiting: Peer[] = [];
  readonly #sockets = new Set<Socket>();
  #onPeer: (() => void) | undefined;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      this.#waiting.push(new Peer(socket));
      this.#onPeer?.();
    });
  }

  static async start(): Promise<PeerServer> {
    const server = new PeerServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next connection. */
  async peer(): Promise<Peer> {
    for (;;) {
      const peer = this.#waiting.shift();
      if (peer !== undefined) return peer;
      await new Promise<void>((resolve) => {
        this.#onPeer = resolve;
      });
    }
  }

  /** Lets a client ask for a tunnel, and accepts it. @param request a whole head. */
  async open(client: Peer, request: string): Promise<Ends> {
    client.send(request);
    const server = await this.peer();
    await server.until('\r\n\r\n');
    server.send(accepting());
    assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /);
    return { client, server };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A gateway on Node.js's sockets that opens WebSockets to a server. */
export function tunnelOptions(
  upstream: { readonly port: number },
  { config, ...more }: Partial<TestOptions> = {},
): TestOptions {
  return {
    upstreamPort: upstream.port,
    routes: [{ upgrade: ['websocket'] }],
    ...more,
    config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }], ...config },
  };
}

export async function dial(port: number): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  return new Peer(socket);
}

/** A request for a WebSocket. @param fields lines in place of the usual handshake, or beside it where it is kept. */
export function asking(authorization: string, fields = handshake(), path = '/ws'): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n${fields}\r\n`;
}

export function handshake(more = ''): string {
  return `Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${more}`;
}

/** A server's 101. */
export function accepting(more = '', accept = acceptOf(KEY)): string {
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`;
}

/** A text frame as a server sends it. */
export function textFrame(text: string): string {
  const length = text.length < 126 ? String.fromCharCode(text.length) : `\x7e${u16(text.length)}`;
  return `\x81${length}${text}`;
}

/** A Close frame as a server sends it. */
export function closing(code: number, reason: string): string {
  return `\x88${String.fromCharCode(2 + reason.length)}${u16(code)}${reason}`;
}

function u16(value: number): string {
  return String.fromCharCode(value >> 8, value & 0xff);
}
