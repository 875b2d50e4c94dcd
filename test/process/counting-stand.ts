import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Stand, until } from './stand.ts';
import { SteadyClients } from './steady-clients.ts';

/** An upstream server that counts what it gets. */
export class CountingServer {
  readonly #server: Server;
  served = 0;
  checks = 0;

  #isStopped = false;
  readonly #held = new Set<ServerResponse>();

  private constructor() {
    this.#server = createServer((request, response) => {
      const isCheck = request.url === '/healthz';
      if (isCheck) this.checks += 1;
      else this.served += 1;
      if (!this.#isStopped) response.end('ok');
      else if (!isCheck) this.#hold(response);
    });
  }

  static async start(): Promise<CountingServer> {
    const service = new CountingServer();
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections that are open. */
  connections(): Promise<number> {
    return new Promise((resolve) => this.#server.getConnections((_, count) => resolve(count)));
  }

  /** Requests, apart from checks, that have no response and whose connections are open. */
  get held(): number {
    return this.#held.size;
  }

  /** Takes requests and sends nothing, as a process after SIGSTOP does for as long as the kernel's queues last. */
  stop(): void {
    this.#isStopped = true;
  }

  goOn(): void {
    this.#isStopped = false;
  }

  /** Everything ends, as when its process is killed. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #hold(response: ServerResponse): void {
    this.#held.add(response);
    response.once('close', () => this.#held.delete(response));
  }
}

export interface ServerStatus {
  readonly address: string;
  readonly mode: string;
  readonly health: { readonly state: string };
}

/** A gateway of two workers before three servers, under load. */
export class CountingStand {
  readonly stand: Stand;
  readonly services: readonly CountingServer[];
  readonly addresses: readonly string[];
  readonly clients: SteadyClients;

  private constructor(stand: Stand, services: readonly CountingServer[]) {
    this.stand = stand;
    this.services = services;
    this.addresses = services.map(({ address }) => address);
    this.clients = new SteadyClients({
      port: stand.port,
      head: () => 'GET / HTTP/1.1\r\nHost: a\r\n',
      judge: (status) => (status === 200 ? undefined : `status ${status}`),
      clients: 16,
    });
  }

  /** @param keys of the upstream, besides its servers. */
  static async start(keys: object = {}): Promise<CountingStand> {
    const start = (): Promise<CountingServer> => CountingServer.start();
    const services = await Promise.all([start(), start(), start()]);
    return new CountingStand(await Stand.start(configOf(services, keys)), services);
  }

  /** Writes another configuration. */
  write(keys: object): void {
    this.stand.write(configOf(this.services, keys));
  }

  async servers(): Promise<readonly ServerStatus[]> {
    const status = (await (await this.stand.admin('/status')).json()) as {
      readonly upstreams: readonly { readonly servers: readonly ServerStatus[] }[];
    };
    return status.upstreams[0]?.servers ?? [];
  }

  /** Resolves when all workers have taken the mode. */
  async setMode(address: string, state: string): Promise<void> {
    const reply = await this.stand.admin(`/upstreams/app/servers/${address}`, { state });
    const wanted = { upstream: 'app', state, servers: [address] };
    assert.deepEqual([reply.status, await reply.json()], [200, wanted]);
  }

  /** Waits until every server has got so many requests more. */
  async served(count: number): Promise<void> {
    const before = this.services.map(({ served }) => served);
    await until(
      () => this.services.every(({ served }, at) => served >= (before[at] ?? 0) + count),
      (isServed) => isServed,
    );
  }

  async stop(): Promise<void> {
    await this.clients.stop();
    await this.stand.stop();
    for (const service of this.services) service.close();
  }
}

function configOf(services: readonly CountingServer[], keys: object): object {
  return {
    admin: { address: '127.0.0.1:0', secret: 's'.repeat(32) },
    auth: 'none',
    upstream: 'app',
    upstreams: { app: { servers: services.map(({ address }) => `http://${address}`), ...keys } },
  };
}
