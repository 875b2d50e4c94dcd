import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Processes } from '../options.ts';
import { freePort } from '../probe.ts';
import type { Gateway } from './gateway.ts';

const program = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** This gateway with the shortest complete configuration: everything not named here is at its default. */
export const portcullis: Gateway = withSettings('portcullis', 'portcullis, default configuration', '');

/** The same with fixed numbers of processes and threads. */
export function portcullisWith({ listeners, verifiers }: Processes): Gateway {
  return withSettings(
    `${listeners}x${verifiers}`,
    `portcullis, ${listeners} listeners with ${verifiers} verifiers each`,
    `listeners: ${listeners}\nverifiers: ${verifiers}\n`,
  );
}

function withSettings(name: string, description: string, settings: string): Gateway {
  return {
    name,
    description,
    checksTokens: true,
    unavailable: () => (existsSync(program) ? undefined : `${program} is missing: npm run build`),
    async start({ children, directory, upstreamPort, keyFile, issuer, audience }) {
      const port = await freePort();
      const configuration = `listen: 127.0.0.1:${port}
admin: 127.0.0.1:${await freePort()}
${settings}issuers:
  fusionauth:
    issuer: ${issuer}
    audience: ${audience}
    algorithms: [RS256]
    keys: { pem: ${keyFile} }
upstream: http://127.0.0.1:${upstreamPort}
`;
      const file = join(directory, 'portcullis.yaml');
      writeFileSync(file, configuration);
      const child = children.spawn('gateway', process.execPath, [program, 'start', '--config', file]);
      return { child, port, configuration };
    },
  };
}
