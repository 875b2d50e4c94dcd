import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Processes } from '../options.ts';
import { freePort } from '../probe.ts';
import type { Gateway } from './gateway.ts';

const ownProgram = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** This gateway with the shortest complete configuration: everything not named here is at its default. */
export const portcullis: Gateway = withSettings('portcullis', 'portcullis, default configuration');

/** The same with several requests on one upstream connection. */
export const portcullisPipelined: Gateway = withSettings(
  'portcullis-pipelined',
  'portcullis, pipelining: 8 for its upstream',
  { pipelining: 8 },
);

/** Another revision of this gateway, built in a folder of its own. */
export function portcullisAt(revision: string, folder: string): Gateway {
  return withSettings('revision', `portcullis at ${revision}, default configuration`, {
    folder,
  });
}

/** The same with fixed numbers of processes and threads. */
export function portcullisWith({ listeners, verifiers }: Processes): Gateway {
  return withSettings(
    `${listeners}x${verifiers}`,
    `portcullis, ${listeners} listeners with ${verifiers} verifiers each`,
    { lines: `listeners: ${listeners}\nverifiers: ${verifiers}\n` },
  );
}

interface Settings {
  /** Of the configuration's top level. */
  readonly lines?: string;
  readonly pipelining?: number;
  /** The project's folder; this one when left out. */
  readonly folder?: string;
}

function withSettings(name: string, description: string, settings: Settings = {}): Gateway {
  const { lines = '', pipelining, folder } = settings;
  const program = folder === undefined ? ownProgram : join(folder, 'dist', 'src', 'main.js');
  const upstreamOf = (url: string): string =>
    pipelining === undefined
      ? `upstream: ${url}`
      : `upstream: app\nupstreams: { app: { servers: ["${url}"], pipelining: ${pipelining} } }`;
  return {
    name,
    description,
    checksTokens: true,
    unavailable: () => (existsSync(program) ? undefined : `${program} is missing: npm run build`),
    async start({ children, directory, upstreamPort, keyFile, issuer, audience }) {
      const port = await freePort();
      const configuration = `listen: 127.0.0.1:${port}
admin: 127.0.0.1:${await freePort()}
${lines}issuers:
  fusionauth:
    issuer: ${issuer}
    audience: ${audience}
    algorithms: [RS256]
    keys: { pem: ${keyFile} }
${upstreamOf(`http://127.0.0.1:${upstreamPort}`)}
`;
      const file = join(directory, 'portcullis.yaml');
      writeFileSync(file, configuration);
      const child = children.spawn('gateway', process.execPath, [program, 'start', '--config', file]);
      return { child, port, configuration };
    },
  };
}
