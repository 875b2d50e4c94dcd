import type { Config, ForwardConfig, IssuerConfig, RouteConfig, TlsConfig } from '../../src/config/config.ts';
import type { UpstreamConfig, UpstreamServer, UpstreamTlsConfig } from '../../src/config/upstream-config.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import { createGateway, type LocalGateway } from '../../src/gateway/local-gateway.ts';
import type { Server } from '../../src/gateway/server.ts';
import type { Log } from '../../src/lib/log.ts';
import { Authority } from './authority.ts';
import { overTls, testEngine } from './engine.ts';
import { issuerConfig } from './issuer.ts';
import { certificateConfig, tlsConfig } from './tls.ts';
import { tlsPorts } from './tls-ports.ts';
import { rs256, rsaKey, secondsFromNow, type TestKey } from './tokens.ts';
import { request } from './wire.ts';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'orders';

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Adds nothing to a request, so that upstream receives what the client sent. */
export const bareForward: ForwardConfig = { headers: new Map(), token: 'keep', forwarded: new Set() };

export interface TestOptions {
  readonly upstreamPort: number;
  /** What all servers of the upstream have in common. */
  readonly server?: Partial<UpstreamServer>;
  /** Of further servers of the upstream. */
  readonly upstreamPorts?: readonly number[];
  readonly config?: Omit<Partial<Config>, 'limits' | 'timeouts'> & {
    readonly limits?: Partial<Config['limits']>;
    readonly timeouts?: Partial<Config['timeouts']>;
  };
  readonly routes?: readonly Partial<RouteConfig>[];
  readonly issuer?: Partial<IssuerConfig>;
  readonly timeouts?: { connectMs?: number; responseMs?: number; idleMs?: number; keepAliveMs?: number };
  readonly limits?: { connections?: number; waiting?: number };
  readonly pipelining?: number;
  readonly balance?: UpstreamConfig['balance'];
  readonly reuse?: boolean;
  /** The servers of the upstream are https servers, at this host. */
  readonly upstreamTls?: UpstreamTlsConfig;
  readonly upstreamHost?: string;
  readonly retries?: Partial<UpstreamConfig['retries']>;
  readonly log?: Log;
}

export interface TestGateway {
  readonly gateway: LocalGateway;
  readonly port: number;
  readonly adminPort: number;
  readonly key: TestKey;
  /** A token the gateway accepts, as the value of an Authorization header. */
  bearer(claims?: Record<string, unknown>): string;
  /** How many exchanges ended with each outcome, over all routes. */
  outcomes(): Promise<Record<string, number>>;
  /** Upstream connections by state, `waiting` for exchanges without one. */
  connections(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** Milliseconds within which an expected state must come true, also on a busy machine. */
const EVENTUALLY_MS = 60_000;

/** Polls until `wanted` holds; fails with the last value when it does not hold in time. */
export async function eventually<T>(probe: () => T | Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  const deadline = performance.now() + EVENTUALLY_MS;
  for (;;) {
    const seen = await probe();
    if (wanted(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`it stayed at ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The retries of a configuration that says nothing of them. */
export const retryDefaults: UpstreamConfig['retries'] = {
  attempts: 1,
  budget: 0.2,
  on: ['connect', 'reset'],
};

/** A server of an upstream on this machine. */
export function serverAt(port: number, more: Partial<UpstreamServer> = {}): UpstreamServer {
  return {
    address: { host: '127.0.0.1', port },
    scheme: 'http',
    protocol: 'http/1.1',
    weight: 1,
    backup: false,
    connections: 65_535,
    ...more,
  };
}

/** The half of a gateway that serves, and the parts that only the gateway itself uses. */
export function serverOf(gateway: TestGateway): Server {
  return gateway.gateway.servers.server;
}

/** Exchanges under way. */
export function inFlight(gateway: TestGateway): readonly Exchange[] {
  return serverOf(gateway).exchanges;
}

/** Shared by all gateways of this process, because making one takes longer than the rest of a start. */
let issuerKey: TestKey | undefined;

let tls: TlsConfig | undefined;

function testTls(): TlsConfig | undefined {
  if (!overTls) return undefined;
  tls ??= tlsConfig([certificateConfig(new Authority('root').issue({ names: ['a.example'] }))]);
  return tls;
}

/** One issuer, one upstream and one route on free ports, unless the test says otherwise. */
export function testConfig(options: TestOptions): Config {
  issuerKey ??= rsaKey();
  const key = issuerKey;
  const issuer = issuerConfig({
    name: 'test',
    issuer: ISSUER,
    audience: [AUDIENCE],
    algorithms: ['RS256'],
    keys: [
      { id: 'test-key', kid: undefined, algorithms: ['RS256'], material: { kind: 'public', pem: key.pem } },
    ],
    ...options.issuer,
  });
  const base: RouteConfig = {
    name: '/',
    match: { host: undefined, path: '/', methods: undefined },
    auth: ['test'],
    require: undefined,
    upstream: 'app',
    forward: { headers: new Map(), token: 'keep', forwarded: new Set(['for', 'proto', 'host']) },
    preflight: { kind: 'authenticate' },
    connectionAuth: 'refuse',
  };
  return {
    listen: [{ host: '127.0.0.1', port: 0, engine: testEngine, tls: testTls() }],
    admin: { host: '127.0.0.1', port: 0, hosts: [] },
    listeners: 1,
    verifiers: 1,
    issuers: new Map([['test', issuer]]),
    upstreams: new Map([
      [
        'app',
        {
          name: 'app',
          servers: [options.upstreamPort, ...(options.upstreamPorts ?? [])].map((port) =>
            serverAt(port, {
              address: { host: options.upstreamHost ?? '127.0.0.1', port },
              scheme: options.upstreamTls === undefined ? 'http' : 'https',
              ...options.server,
            }),
          ),
          tls: options.upstreamTls,
          timeouts: {
            connectMs: 5_000,
            responseMs: 60_000,
            idleMs: 60_000,
            keepAliveMs: options.timeouts?.idleMs ?? 60_000,
            ...options.timeouts,
          },
          limits: { connections: 256, waiting: 1024, ...options.limits },
          pipelining: options.pipelining ?? 1,
          reuse: options.reuse ?? true,
          balance: options.balance,
          retries: { ...retryDefaults, ...options.retries },
        },
      ],
    ]),
    routes: (options.routes ?? [{}]).map((route) => ({ ...base, ...route })),
    rejection: 'rfc6750',
    realm: 'portcullis',
    cache: { entries: 1000, bytes: 16 * 1024 * 1024 },
    trustedProxies: undefined,
    chunkedRequests: 'allow',
    loopMark: undefined,
    log: { level: 'info', access: 'off' },
    shutdown: { graceMs: 30_000, tunnelsMs: 0 },
    warnings: [],
    ...options.config,
    limits: {
      requestHead: 16 * 1024,
      requestBody: Number.POSITIVE_INFINITY,
      responseHead: 64 * 1024,
      bufferedBodies: 256 * 1024 * 1024,
      connections: 10_000,
      requestsPerConnection: Number.POSITIVE_INFINITY,
      headerFields: 100,
      tunnels: 1_000,
      ...options.config?.limits,
    },
    timeouts: {
      requestMs: Number.POSITIVE_INFINITY,
      bodyMinRate: 1024,
      requestHeadMs: 15_000,
      keepAliveMs: 75_000,
      sendMs: 60_000,
      tunnelMs: 3_600_000,
      ...options.config?.timeouts,
    },
  };
}

/** A token signed by the issuer of `testConfig`, as the value of an Authorization header. */
export function testBearer(claims: Record<string, unknown> = {}): string {
  issuerKey ??= rsaKey();
  const all = { iss: ISSUER, aud: AUDIENCE, sub: 'user', exp: secondsFromNow(300), ...claims };
  return `Bearer ${rs256(issuerKey, all)}`;
}

/** A gateway in this process with a configuration of `testConfig`. */
export async function startGateway(options: TestOptions): Promise<TestGateway> {
  const gateway = createGateway(testConfig(options), {
    log: options.log ?? silentLog,
    // The versions that the tests run on include old ones.
    acceptVulnerableNode: true,
  });
  await gateway.start();
  const port = portOf(gateway.addresses.listen[0] as string);
  if (overTls && options.config?.listen === undefined) tlsPorts.add(port);
  return {
    gateway,
    port,
    adminPort: portOf(gateway.addresses.admin),
    key: issuerKey as TestKey,
    bearer: testBearer,
    outcomes: async () => sums(await metrics(gateway), 'portcullis_requests_total', 'outcome'),
    connections: async () => sums(await metrics(gateway), 'portcullis_upstream_connections', 'state'),
    close: async () => {
      await gateway.close({ graceMs: 0 });
      tlsPorts.delete(port);
    },
  };
}

async function metrics(gateway: LocalGateway): Promise<string> {
  const port = portOf(gateway.addresses.admin);
  return (await request(port, 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).body;
}

/** Values of one metric, summed by one label; zeros are left out. */
export function sums(text: string, metric: string, label: string): Record<string, number> {
  const result: Record<string, number> = {};
  for (const [, labels = '', value] of text.matchAll(new RegExp(`^${metric}\\{([^}]*)\\} (\\S+)$`, 'gm'))) {
    const key = new RegExp(`${label}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (Number(value) !== 0) result[key] = (result[key] ?? 0) + Number(value);
  }
  return result;
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
