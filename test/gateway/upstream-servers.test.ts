import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { HealthConfig, UpstreamConfig } from '../../src/config/upstream-config.ts';
import { createGateway, type LocalGateway } from '../../src/gateway/local-gateway.ts';
import type { Resolver } from '../../src/watch/resolver.ts';
import { eventually, serverAt, silentLog, testConfig } from '../support/gateway.ts';
import { request, Wire } from '../support/wire.ts';

const SECRET = 's'.repeat(32);

const health: HealthConfig = {
  path: '/healthz',
  host: undefined,
  intervalMs: 100,
  timeoutMs: 5_000,
  rise: 2,
  fall: 3,
  status: [[200, 399]],
};

/** An upstream server that counts its requests and holds those to `/held`. */
class Service {
  readonly #server: Server;
  served = 0;
  checks = 0;
  status = 200;
  readonly held: ServerResponse[] = [];

  private constructor() {
    this.#server = createServer((incoming, response) => {
      if (incoming.url === '/healthz') {
        this.checks += 1;
        response.writeHead(this.status).end();
        return;
      }
      this.served += 1;
      if (incoming.url === '/held') this.held.push(response);
      else response.end(this.address);
    });
  }

  static async start(host: string, port = 0): Promise<Service> {
    const service = new Service();
    service.#server.listen(port, host);
    await once(service.#server, 'listening');
    return service;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `${(this.#server.address() as AddressInfo).address}:${this.port}`;
  }

  /** Connections that are open. */
  connections(): Promise<number> {
    return new Promise((resolve) => this.#server.getConnections((_, count) => resolve(count)));
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

interface ServerStatus {
  readonly address: string;
  readonly server: string;
  readonly mode: string;
  readonly healthy: boolean;
  readonly health: { readonly state: string; readonly fails: number };
  readonly lookup: { readonly lastError: string | null; readonly nextSeconds: number | null } | null;
}

describe('a gateway whose upstream has several servers', () => {
  let one: Service;
  let two: Service;
  let gateway: LocalGateway;
  let lines: string[];
  /** What the DNS has for every name; an error for none. */
  let addresses: readonly string[] | Error;

  const resolver: Resolver = {
    addresses: async () => {
      if (addresses instanceof Error) throw addresses;
      return addresses;
    },
    timeToLive: async () => undefined,
  };

  beforeEach(async () => {
    // Both have the same port, so that one name can stand for them.
    one = await Service.start('127.0.0.1');
    two = await Service.start('127.0.0.2', one.port);
    lines = [];
    addresses = ['127.0.0.1', '127.0.0.2'];
  });
  afterEach(async () => {
    await gateway.close({ graceMs: 0 });
    one.close();
    two.close();
  });

  function configOf(upstream: Partial<UpstreamConfig>, timeouts = {}) {
    const config = testConfig({ upstreamPort: one.port, routes: [{ auth: 'none' }], timeouts });
    const [app] = config.upstreams.values();
    return {
      ...config,
      admin: { ...config.admin, secret: SECRET },
      upstreams: new Map([['app', { ...(app as UpstreamConfig), ...upstream }]]),
    };
  }

  async function start(upstream: Partial<UpstreamConfig>): Promise<void> {
    const line = (fields: object, message: string): void =>
      void lines.push(`${message} ${JSON.stringify(fields)}`);
    gateway = createGateway(configOf(upstream), {
      log: { ...silentLog, info: line, warn: line },
      resolver,
      acceptVulnerableNode: true,
    });
    await gateway.start();
  }

  const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));
  const port = (): number => portOf(gateway.addresses.listen[0] as string);
  const adminPort = (): number => portOf(gateway.addresses.admin);
  const get = (path = '/') => request(port(), `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const own = () => [
    serverAt(one.port),
    { ...serverAt(one.port), address: { host: '127.0.0.2', port: one.port } },
  ];
  const named = () => [{ ...serverAt(one.port), address: { host: 'app.internal', port: one.port } }];

  /** The bodies of so many responses, which are all good. */
  async function bodies(count: number): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (let index = 0; index < count; index += 1) {
      const { status, body } = await get();
      assert.equal(status, 200, body);
      found.add(body);
    }
    return found;
  }

  async function servers(): Promise<readonly ServerStatus[]> {
    const { body } = await admin('GET /status');
    return JSON.parse(body).upstreams[0].servers;
  }

  function admin(line: string, body = '') {
    const head = `${line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${SECRET}\r\nConnection: close\r\n`;
    return request(adminPort(), `${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  }

  async function setMode(server: string, state: string): Promise<object> {
    const { status, body } = await admin(`POST /upstreams/app/servers/${server}`, JSON.stringify({ state }));
    assert.equal(status, 200, body);
    return JSON.parse(body);
  }

  test('sends no request to one that its checks find unhealthy, and again when it is back', async () => {
    await start({ servers: own(), health });
    assert.equal((await bodies(60)).size, 2);
    two.status = 503;
    const stateOf = async (): Promise<string | undefined> => (await servers())[1]?.health.state;
    await eventually(stateOf, (state) => state === 'unhealthy');
    two.served = 0;
    assert.deepEqual([...(await bodies(60))], [one.address]);
    assert.equal(two.served, 0);
    const { body } = await admin('GET /metrics');
    const counts = body
      .split('\n')
      .filter((line) => /^portcullis_(upstream_servers|health_checks).* [1-9]/.test(line));
    assert.deepEqual(
      counts.map((line) => line.replace(/(_total.*) \d+$/, '$1')),
      [
        'portcullis_upstream_servers{upstream="app",state="up"} 1',
        'portcullis_upstream_servers{upstream="app",state="unhealthy"} 1',
        'portcullis_health_checks_total{upstream="app",result="ok"}',
        'portcullis_health_checks_total{upstream="app",result="wrong_status"}',
      ],
    );
    two.status = 204;
    await eventually(stateOf, (state) => state === 'healthy');
    assert.equal((await bodies(60)).size, 2);
    const told = lines.filter((line) => line.includes('healthy'));
    assert.deepEqual(told, [
      `an upstream server is unhealthy {"upstream":"app","server":"${two.address}","cause":"wrong_status","found":"status 503"}`,
      `an upstream server is healthy again {"upstream":"app","server":"${two.address}","found":"status 204"}`,
    ]);
  });

  test('refuses at once when no server is healthy', async () => {
    await start({ servers: own(), health: { ...health, fall: 1 } });
    one.status = 500;
    two.status = 500;
    await eventually(servers, (all) => all.every(({ healthy }) => !healthy));
    const { status, body } = await get();
    assert.equal(status, 503);
    assert.equal(JSON.parse(body).code, 'no_healthy_upstream');
    assert.equal(one.served + two.served, 0);
  });

  test('follows the addresses of a name, and lets a server that leaves the DNS finish', async () => {
    await start({ servers: named(), resolveMs: 50 });
    assert.equal((await bodies(60)).size, 2);
    const held = await heldAt(two);
    addresses = ['127.0.0.1'];
    await eventually(servers, (all) => all.length === 1);
    assert.deepEqual([...(await bodies(60))], [one.address]);
    two.held.pop()?.end('finished');
    assert.equal((await held.response()).body, 'finished');
    held.close();
    await eventually(
      () => two.connections(),
      (count) => count === 0,
    );

    // A name that is gone keeps its addresses, and a name that is back may have others.
    addresses = Object.assign(new Error('gone'), { code: 'ENOTFOUND' });
    await eventually(servers, ([first]) => first?.lookup?.lastError !== null);
    assert.deepEqual([...(await bodies(10))], [one.address]);
    addresses = ['127.0.0.2'];
    await eventually(servers, ([first]) => first?.address === two.address);
    assert.deepEqual([...(await bodies(10))], [two.address]);
    assert.match(
      lines.join('\n'),
      /could not be looked up .*"why":"no such name \(ENOTFOUND\)","kept":\["127\.0\.0\.1"\]/,
    );
  });

  test('drains a server by hand until it is ready again, over a reload too', async () => {
    await start({ servers: own() });
    const held = await heldAt(two);
    assert.deepEqual(await setMode(two.address, 'drain'), {
      upstream: 'app',
      state: 'drain',
      servers: [two.address],
    });
    two.served = 0;
    assert.deepEqual([...(await bodies(60))], [one.address]);
    assert.deepEqual(
      (await servers()).map(({ mode }) => mode),
      ['ready', 'drain'],
    );
    await gateway.reload(configOf({ servers: own() }, { responseMs: 59_000 }));
    assert.deepEqual([...(await bodies(60))], [one.address]);
    assert.equal(two.served, 0);
    // The request under way is not cut.
    two.held.pop()?.end('finished');
    assert.equal((await held.response()).body, 'finished');
    held.close();
    await setMode(two.address, 'ready');
    assert.equal((await bodies(60)).size, 2);
    assert.equal((await admin('POST /upstreams/app/servers/127.0.0.3:1', '{"state":"drain"}')).status, 404);
    assert.equal((await admin('POST /upstreams/app/servers/127.0.0.1:1', '{"state":"up"}')).status, 400);
  });

  test('keeps health and mode of a server that a reload leaves in', async () => {
    await start({ servers: named(), health, resolveMs: 60_000 });
    two.status = 500;
    await eventually(servers, (all) => all[1]?.health.state === 'unhealthy');
    two.served = 0;
    const config = configOf({ servers: [...named(), serverAt(one.port)], health });
    await gateway.reload({ ...config, realm: 'other' });
    assert.deepEqual([...(await bodies(60))], [one.address]);
    assert.equal(two.served, 0);
    assert.equal((await servers())[1]?.health.state, 'unhealthy');
  });

  test('shows no way to set a mode where the admin address has no secret', async () => {
    const { admin: address, ...config } = configOf({ servers: own() });
    const { secret, ...open } = address;
    gateway = createGateway(
      { ...config, admin: open },
      { log: silentLog, resolver, acceptVulnerableNode: true },
    );
    await gateway.start();
    const reply = await admin(`POST /upstreams/app/servers/${two.address}`, '{"state":"down"}');
    assert.equal(reply.status, 404);
    assert.equal((await request(adminPort(), 'GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n')).status, 200);
    assert.equal(secret, SECRET);
  });

  /** A request that this server holds. */
  async function heldAt(service: Service): Promise<Wire> {
    for (;;) {
      const wire = await Wire.open(port());
      wire.send('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
      await eventually(
        () => one.held.length + two.held.length,
        (count) => count === 1,
      );
      if (service.held.length === 1) return wire;
      const other = service === one ? two : one;
      other.held.pop()?.end();
      await wire.response();
      wire.close();
    }
  }
});
