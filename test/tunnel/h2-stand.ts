import type { RouteConfig } from '../../src/config/config.ts';
import { serverOf, startGateway, type TestGateway, type TestOptions } from '../support/gateway.ts';
import { accept, H2Peer, type Settings } from './h2-peer.ts';
import { type Peer, PeerServer, tunnelOptions } from './peers.ts';

export const opening: Partial<RouteConfig> = { upgrade: ['websocket'] };

/** A gateway for clients of HTTP/2 without TLS, and a server behind it. */
export class H2Stand {
  readonly upstream: PeerServer;
  readonly gateway: TestGateway;
  readonly #peers: H2Peer[] = [];

  private constructor(upstream: PeerServer, gateway: TestGateway) {
    this.upstream = upstream;
    this.gateway = gateway;
  }

  static async start(more: Partial<TestOptions> = {}): Promise<H2Stand> {
    const upstream = await PeerServer.start();
    return new H2Stand(upstream, await startGateway(H2Stand.options(upstream, more)));
  }

  static options(upstream: PeerServer, { config, ...more }: Partial<TestOptions>): TestOptions {
    const listen = [{ host: '127.0.0.1', port: 0, protocols: ['http/1.1', 'h2c'] as const }];
    return tunnelOptions(upstream, { ...more, config: { listen, ...config } });
  }

  get tunnels(): number {
    return serverOf(this.gateway).tunnels.size;
  }

  async dial(...pairs: Settings): Promise<H2Peer> {
    const peer = await H2Peer.dial(this.gateway.port, ...pairs);
    this.#peers.push(peer);
    return peer;
  }

  /** Opens a tunnel on stream `id`. Returns the server's end. */
  async openOn(client: H2Peer, id: number, bearer = this.gateway.bearer()): Promise<Peer> {
    const stream = client.connect(id, bearer);
    const server = await this.upstream.peer();
    await accept(server);
    await client.when(() => stream.fields !== undefined);
    if (stream.status !== 200) throw new Error(`status ${stream.status}`);
    return server;
  }

  /** Opens one on stream 1 of a new connection. */
  async open(bearer?: string, ...pairs: Settings): Promise<{ client: H2Peer; server: Peer }> {
    const client = await this.dial(...pairs);
    return { client, server: await this.openOn(client, 1, bearer) };
  }

  async close(): Promise<void> {
    for (const { socket } of this.#peers) socket.destroy();
    await this.gateway.close();
    await this.upstream.close();
  }
}
