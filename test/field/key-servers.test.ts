// Source: ramosbugs/openidconnect-rs#238 and oauth2-proxy#2102, key servers that are strict about Accept or have addresses of their own.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { configOf, faultsOf } from '../config/check.ts';
import { isReady, outcome, startFetching, startUpstream, token } from '../keysets/fetched-gateway.ts';
import { jwk, keySetText, ScriptedIssuer } from '../keysets/scripted-issuer.ts';
import { eventually } from '../support/gateway.ts';
import { rsaKey } from '../support/tokens.ts';

const key = rsaKey();
const set = keySetText(jwk(key, { kid: 'k', alg: 'RS256' }));
const upstream = await startUpstream();
after(() => upstream.close());

/** The types that a client accepts, by its Accept header (RFC 9110 §12.5.1), without weight 0. */
function takes(accept: string | undefined, type: string): boolean {
  const ranges = (accept ?? '*/*').split(',').map((range) => range.trim().split(';')[0]);
  return ranges.includes(type) || ranges.includes('*/*');
}

const strict = new Map([
  ['/openid/v1/jwks', { type: 'application/jwk-set+json', text: () => set }],
  [
    '/.well-known/openid-configuration',
    {
      type: 'application/json',
      text: (port: number) =>
        JSON.stringify({
          issuer: 'https://issuer.example',
          jwks_uri: `http://127.0.0.1:${port}/openid/v1/jwks`,
        }),
    },
  ],
]);

async function withStrict(
  use: (server: ScriptedIssuer, accepts: Map<string, string | undefined>) => Promise<void>,
): Promise<void> {
  const server = await ScriptedIssuer.start();
  const accepts = new Map<string, string | undefined>();
  for (const [path, { type, text }] of strict) {
    server.responses.set(path, (response, { headers }) => {
      accepts.set(path, headers.accept);
      // As the API server of Kubernetes: the registered type by name, or everything.
      if (takes(headers.accept, type))
        response.writeHead(200, { 'content-type': type }).end(text(server.port));
      else response.writeHead(406).end();
    });
  }
  try {
    await use(server, accepts);
  } finally {
    await server.close();
  }
}

describe('a key server that responds 406 to an unknown type', () => {
  for (const [kind, path] of [
    ['jwks', '/openid/v1/jwks'],
    ['discovery', '/.well-known/openid-configuration'],
  ] as const) {
    test(`gives its keys to a fetch of ${kind}`, () =>
      withStrict(async (server, accepts) => {
        const gateway = await startFetching(upstream, { url: server.url(path), remote: { kind } });
        try {
          await eventually(() => isReady(gateway), Boolean);
          assert.equal(await outcome(gateway.port, token(key, 'k')), '200');
        } finally {
          await gateway.close();
        }
        assert.equal(
          accepts.get('/openid/v1/jwks'),
          'application/jwk-set+json, application/json;q=0.9, */*;q=0.1',
        );
        if (kind === 'discovery') assert.equal(accepts.get(path), 'application/json, */*;q=0.1');
      }));
  }
});

const file = (discovery: string): string => `listen: 127.0.0.1:0
upstream: http://127.0.0.1:9000
issuers: { app: { issuer: x, audience: y, algorithms: [RS256], keys: { discovery: "${discovery}" } } }
`;
const urlOf = (discovery: string): string | undefined =>
  configOf(file(discovery)).issuers.get('app')?.remotes?.[0]?.url;

describe('the address of a discovery document', () => {
  for (const whole of [
    'https://idp.example/.well-known/openid-configuration',
    'https://idp.example/.well-known/openid-configuration/0a3c5b5e-tenant',
    'https://idp.example/.well-known/openid-configuration?tenantId=0a3c5b5e',
    'https://idp.example/0a3c5b5e/.well-known/openid-configuration?appid=1',
    'https://idp.example/.well-known/oauth-authorization-server',
    'https://idp.example/.well-known/oauth-authorization-server/realms/one',
  ]) {
    test(`is fetched as given: ${whole}`, () => assert.equal(urlOf(whole), whole));
  }

  for (const [short, whole] of [
    ['https://idp.example', 'https://idp.example/.well-known/openid-configuration'],
    ['https://idp.example/realms/one/', 'https://idp.example/realms/one/.well-known/openid-configuration'],
    ['https://idp.example/one?p=b2c', 'https://idp.example/one/.well-known/openid-configuration?p=b2c'],
    [
      'https://idp.example/x.well-known/y',
      'https://idp.example/x.well-known/y/.well-known/openid-configuration',
    ],
  ] as const) {
    test(`is completed: ${short}`, () => assert.equal(urlOf(short), whole));
  }

  test('is refused where it names only the folder', () => {
    for (const end of ['', '/', '//']) {
      assert.match(
        faultsOf(file(`https://idp.example/.well-known${end}`)).join(),
        /^f:3:\d+: issuers\.app\.keys\.discovery: ends with \/\.well-known and names no document there; must be/,
      );
    }
  });
});
