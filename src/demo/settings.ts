import { editorLine } from '../config/schema/editor-line.ts';
import { yamlText } from '../config/source/yaml-text.ts';
import type { DemoIdentity } from './identity.ts';

/** What serves the address of the demo's gateway, as `engine` in a configuration. */
export type DemoEngine = 'uws' | 'node';

/** Port in `printedConfig` for the user's own service, as in the documentation. */
const SERVICE_PORT = 9_000;

/** The configuration of the demo's gateway, as a user would write it. @param keys the place of the issuer's keys */
export function demoSettings(
  identity: DemoIdentity,
  keys: { readonly pem: string } | { readonly jwks: string },
  ports: {
    readonly port: number;
    readonly adminPort: number;
    readonly service: number;
    readonly engine?: DemoEngine | undefined;
  },
): object {
  const address = `127.0.0.1:${ports.port}`;
  return {
    listen: ports.engine === undefined ? address : [{ address, engine: ports.engine }],
    admin: `127.0.0.1:${ports.adminPort}`,
    issuers: {
      fusionauth: {
        issuer: identity.issuer,
        audience: identity.applicationId,
        algorithms: ['RS256'],
        keys,
        require: ['applicationId'],
      },
    },
    upstreams: { service: { servers: [`http://127.0.0.1:${ports.service}`] } },
    routes: [
      {
        match: { path: '/' },
        auth: 'fusionauth',
        upstream: 'service',
        forward: { headers: { 'X-User-Id': 'sub', 'X-User-Roles': 'roles' }, token: 'keep' },
      },
    ],
  };
}

/** The configuration of the demo as a file. Comments name the values that differ from those of a running demo. */
export function printedConfig(
  identity: DemoIdentity,
  ports: {
    readonly port: number;
    readonly issuerPort: number;
    readonly adminPort: number;
    readonly engine?: DemoEngine | undefined;
  },
): string {
  const jwks = `http://127.0.0.1:${ports.issuerPort}/.well-known/jwks.json`;
  const settings = demoSettings(identity, { jwks }, { ...ports, service: SERVICE_PORT });
  return `${editorLine()}
# The configuration of \`portcullis demo\`. Two values exist only while it runs, and differ here:
#   keys     the demo's issuer makes a key at each start and hands it to the gateway. It publishes the same key at the
#            address below while the demo runs: put your own issuer there.
#   servers  the demo's service has a port that the system chooses: put your own service there.
# The demo runs one listener inside its own process; \`portcullis start\` runs one for each core.
${yamlText(settings)}`;
}
