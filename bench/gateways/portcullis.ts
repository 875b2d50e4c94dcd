import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../probe.ts';
import type { Gateway } from './gateway.ts';

const program = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** This gateway with the shortest complete configuration: everything not named here is at its default. */
export const portcullis: Gateway = {
  name: 'portcullis',
  description: 'portcullis, default configuration',
  checksTokens: true,
  unavailable: () => (existsSync(program) ? undefined : `${program} is missing: npm run build`),
  async start({ children, directory, upstreamPort, keyFile, issuer, audience }) {
    const port = await freePort();
    const configuration = `listen: 127.0.0.1:${port}
admin: 127.0.0.1:${await freePort()}
issuers:
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
