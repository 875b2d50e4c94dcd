import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import { Authority } from '../../support/authority.ts';
import { startGateway, type TestGateway, type TestOptions } from '../../support/gateway.ts';
import { certificateConfig, tlsConfig } from '../../support/tls.ts';
import { tunnelOptions } from '../peers.ts';

const authority = new Authority('root');
const site = authority.issue({ names: ['127.0.0.1'] });

/** The authority of the gateways over TLS, PEM. */
export const ca = authority.cert;

/** A gateway on Node.js's sockets that opens WebSockets to a port. */
export function startTunnels(
  upstreamPort: number,
  options: Partial<TestOptions> = {},
  overTls = false,
): Promise<TestGateway> {
  const tls = overTls ? tlsConfig([certificateConfig(site)]) : undefined;
  const config = {
    ...options.config,
    listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls }],
  } as const;
  return startGateway(tunnelOptions({ port: upstreamPort }, { ...options, config }));
}

/** One end of a WebSocket, with the messages that have come. */
export class Talker {
  readonly socket: WebSocket;
  /** Of the handshake; a client has none. */
  readonly request: IncomingMessage | undefined;
  /** Resolves with the code and the reason of the end. */
  readonly closed: Promise<readonly [code: number, reason: string]>;
  readonly #messages: { readonly data: Buffer; readonly isBinary: boolean }[] = [];
  #wake = (): void => {};

  constructor(socket: WebSocket, request?: IncomingMessage) {
    this.socket = socket;
    this.request = request;
    socket.on('message', (data: Buffer, isBinary) => {
      this.#messages.push({ data, isBinary });
      this.#wake();
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve([code, reason.toString()]);
        this.#wake();
      });
    });
  }

  /** The next message. Rejects when the WebSocket ends before. */
  async next(): Promise<{ readonly data: Buffer; readonly isBinary: boolean }> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('the WebSocket has ended');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The text of the next message. */
  async text(): Promise<string> {
    return (await this.next()).data.toString();
  }
}

/** Connects with `ws`. Resolves when it is open; a refusal rejects. */
export async function connectWs(
  gateway: TestGateway,
  options: ClientOptions & {
    readonly overTls?: boolean;
    readonly path?: string;
    readonly offers?: string[];
  } = {},
): Promise<Talker> {
  const { overTls = false, path = '/ws', offers = [], ...rest } = options;
  const url = `${overTls ? 'wss' : 'ws'}://127.0.0.1:${gateway.port}${path}`;
  const socket = new WebSocket(url, offers, { ca, ...rest });
  // Before it is open: messages may come in the packet of the 101.
  const talker = new Talker(socket);
  await once(socket, 'open');
  return talker;
}

/** A server of `ws` on a free port. */
export class WsServer {
  readonly #server: WebSocketServer;
  readonly #waiting: Talker[] = [];
  #onTalker = (): void => {};

  private constructor(server: WebSocketServer, onTalker: ((talker: Talker) => void) | undefined) {
    this.#server = server;
    server.on('connection', (socket, request) => {
      const talker = new Talker(socket, request);
      if (onTalker !== undefined) onTalker(talker);
      else this.#waiting.push(talker);
      this.#onTalker();
    });
  }

  /** @param onTalker takes the connections instead of `talker`. */
  static async start(options: ServerOptions = {}, onTalker?: (talker: Talker) => void): Promise<WsServer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
    await once(server, 'listening');
    return new WsServer(server, onTalker);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next connection. */
  async talker(): Promise<Talker> {
    for (;;) {
      const talker = this.#waiting.shift();
      if (talker !== undefined) return talker;
      await new Promise<void>((resolve) => {
        this.#onTalker = resolve;
      });
    }
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
