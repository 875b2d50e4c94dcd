import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Processes } from '../options.ts';
import { freePort } from '../probe.ts';
import type { Gateway, GatewaySetup, Speech } from './gateway.ts';

const ownProgram = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** The header for upstream in each scenario: one claim, the purpose of a gateway. */
const FORWARD = 'forward: {headers: {X-User-Id: sub}}';

/** An issuer beside the one of the sent tokens. */
export interface OtherIssuer {
  readonly issuer: string;
  /** SPKI PEM file. */
  readonly keyFile: string;
}

interface Settings {
  /** Keys of the address where clients come in, beside `address`. */
  readonly listen?: string;
  readonly speech?: Speech;
  /** Of the configuration's top level. */
  readonly lines?: string;
  /** URLs of the servers; the usual one by default. */
  readonly servers?: readonly string[];
  /** Of the upstream. */
  readonly upstream?: string;
  /** Keys of its server, beside `url`. */
  readonly server?: string;
  /** Further issuers that the route accepts. */
  readonly issuers?: readonly OtherIssuer[];
  /** Keys of the route, beside `match`, `auth`, `upstream` and `forward`. */
  readonly route?: string;
  /** Routes by path, `/r0` and so on, in place of the one for everything. */
  readonly routes?: number;
  /** A command line that runs the gateway's own at its end. */
  readonly within?: readonly [string, ...string[]];
  /** The project's folder; this one by default. */
  readonly folder?: string;
}

/** This gateway: everything not named here has its default. */
export const portcullis = portcullisWith('portcullis', 'portcullis, default configuration, one claim header');

/** The same with several requests on one upstream connection. */
export const portcullisPipelined = portcullisWith(
  'portcullis-pipelined',
  'portcullis, pipelining: 8 for its upstream',
  { upstream: 'pipelining: 8' },
);

/** Why this Node.js has no `engine: node`, which shares its addresses between workers; undefined when it has. */
export function nodeEngineUnavailable(): string | undefined {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 12)
    ? undefined
    : `engine: node needs Node.js 22.12 or later, and this is ${process.version}`;
}

/** The two engines for HTTP/1.1 on plain TCP, named as `engine` has them. */
export function portcullisOn(engine: 'uws' | 'node', settings: Omit<Settings, 'listen'> = {}): Gateway {
  return portcullisWith(engine, `portcullis, engine: ${engine}`, {
    ...settings,
    listen: `engine: ${engine}`,
  });
}

/** The engine on sockets of Node.js, for clients that speak HTTP/2 by prior knowledge. */
export const portcullisH2c = portcullisWith('node', 'portcullis, engine: node, protocols: [h2c]', {
  listen: 'engine: node, protocols: [h2c]',
  speech: 'h2c',
});

/** In front of a server that speaks HTTP/2. */
export const portcullisToH2 = portcullisWith('portcullis', 'portcullis, protocol: h2 for its server', {
  server: 'protocol: h2',
});

/** With a route whose clients open WebSockets. @param connections of clients at a time. */
export function portcullisForWebSockets(connections: number): Gateway {
  return portcullisWith('portcullis', 'portcullis, upgrade: [websocket] on its route', {
    lines: `limits: { connections: ${connections} }\n`,
    route: 'upgrade: [websocket]',
  });
}

/** In front of a server that speaks TLS. @param ca file of the authority that has signed for `localhost`. */
export function portcullisToTls(ca: string, port: number): Gateway {
  return portcullisWith('portcullis', 'portcullis, https for its server', {
    servers: [`https://127.0.0.1:${port}`],
    upstream: `tls: { ca: ${ca}, serverName: localhost }`,
  });
}

/**
 * The engine on sockets of Node.js, with TLS.
 * @param pem file of the certificate and its key. @param name where another gateway is called `node`.
 */
export function portcullisTls(
  pem: string,
  settings: Omit<Settings, 'listen' | 'speech'> = {},
  name = 'node',
): Gateway {
  return portcullisWith(name, 'portcullis, engine: node, tls', {
    ...settings,
    listen: `tls: { certificates: ${pem} }`,
    speech: 'https',
  });
}

/** Another revision of this gateway, built in its own folder. */
export function portcullisAt(revision: string, folder: string): Gateway {
  return portcullisWith('revision', `portcullis at ${revision}, default configuration`, { folder });
}

/** The same with fixed numbers of processes and threads. */
export function portcullisOf({ listeners, verifiers }: Processes): Gateway {
  return portcullisWith(
    `${listeners}x${verifiers}`,
    `portcullis, ${listeners} listeners with ${verifiers} verifiers each`,
    { lines: `listeners: ${listeners}\nverifiers: ${verifiers}\n` },
  );
}

function issuerLines(name: string, issuer: string, keyFile: string, audience: string): string {
  return `  ${name}:
    issuer: ${issuer}
    audience: ${audience}
    algorithms: [RS256]
    keys: { pem: ${keyFile} }
`;
}

function configurationFor(settings: Settings, setup: GatewaySetup, port: number, admin: number): string {
  const {
    listen,
    lines = '',
    upstream = '',
    server,
    issuers = [],
    route,
    routes,
    servers = [`http://127.0.0.1:${setup.upstreamPort}`],
  } = settings;
  const names = ['fusionauth', ...issuers.map((_, at) => `other-${at}`)];
  const auth = issuers.length === 0 ? 'fusionauth' : `[${names.join(', ')}]`;
  const address = `127.0.0.1:${port}`;
  const where = listen === undefined ? address : `[{ address: ${address}, ${listen} }]`;
  let text = `listen: ${where}\nadmin: 127.0.0.1:${admin}\n${lines}issuers:\n`;
  text += issuerLines('fusionauth', setup.issuer, setup.keyFile, setup.audience);
  for (const [at, { issuer, keyFile }] of issuers.entries()) {
    text += issuerLines(`other-${at}`, issuer, keyFile, setup.audience);
  }
  const entries = servers
    .map((url) => (server === undefined ? `"${url}"` : `{ url: "${url}", ${server} }`))
    .join(', ');
  text += `upstreams:\n  app: { servers: [${entries}]${upstream && `, ${upstream}`} }\n`;
  text += 'routes:\n';
  const paths = routes === undefined ? ['/'] : Array.from({ length: routes }, (_, at) => `/r${at}`);
  for (const path of paths) {
    text += `- {match: {path: ${path}}, auth: ${auth}, upstream: app, ${FORWARD}${route === undefined ? '' : `, ${route}`}}\n`;
  }
  return text;
}

/** This gateway with a changed setting. */
export function portcullisWith(name: string, description: string, settings: Settings = {}): Gateway {
  const { folder, speech, within } = settings;
  const program = folder === undefined ? ownProgram : join(folder, 'dist', 'src', 'main.js');
  return {
    name,
    description,
    ...(speech === undefined ? {} : { speech }),
    checksTokens: true,
    unavailable: () => (existsSync(program) ? undefined : `${program} is missing: npm run build`),
    async start(setup) {
      const [port, adminPort] = [await freePort(), await freePort()];
      const configuration = configurationFor(settings, setup, port, adminPort);
      const file = join(setup.directory, 'portcullis.yaml');
      writeFileSync(file, configuration);
      const own = [process.execPath, program, 'start', '--config', file] as const;
      const [command, ...args] = within === undefined ? own : ([...within, ...own] as const);
      const subprocess = setup.subprocesses.spawn('gateway', command, args);
      return { subprocess, port, adminPort, configuration };
    },
  };
}
