import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatFault } from '../../src/config/fault.ts';
import { configFromObject, loadConfig } from '../../src/config/load.ts';
import { availableCores } from '../../src/config/resolve/cores.ts';
import { StartError } from '../../src/lib/start-error.ts';
import { configOf, faultsOf, fixtures } from './check.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

const fixture = (name: string): string => readFileSync(join(fixtures, name), 'utf8');

test('the documented file is valid, with everything filled in', () => {
  const result = loadConfig({ file: join(fixtures, 'documented.yaml'), env: {} });
  assert.ok(result.ok, JSON.stringify(result));
  const { issuers, routes, upstreams, listeners, verifiers, ...plain } = result.config;
  assert.deepEqual(plain, {
    listen: [{ host: '0.0.0.0', port: 8080 }],
    admin: { host: '127.0.0.1', port: 9090, hosts: [] },
    rejection: 'rfc6750',
    realm: 'portcullis',
    cache: { entries: 100_000, bytes: 268_435_456 },
    limits: {
      requestHead: 16_384,
      requestBody: Number.POSITIVE_INFINITY,
      responseHead: 65_536,
      bufferedBodies: 268_435_456,
      connections: 10_000,
      requestsPerConnection: Number.POSITIVE_INFINITY,
      headerFields: 100,
      tunnels: 10_000,
    },
    timeouts: {
      requestMs: Number.POSITIVE_INFINITY,
      bodyMinRate: 1024,
      requestHeadMs: 15_000,
      keepAliveMs: 75_000,
      sendMs: 60_000,
      tunnelMs: 3_600_000,
    },
    trustedProxies: undefined,
    chunkedRequests: 'allow',
    loopMark: result.config.loopMark,
    log: { level: 'info', access: 'off' },
    requestId: undefined,
    metrics: undefined,
    tracing: undefined,
    revocation: undefined,
    state: undefined,
    uws: undefined,
    shutdown: { graceMs: 30_000, tunnelsMs: 0 },
    warnings: [],
  });
  const listenersHere = Math.min(64, availableCores());
  assert.deepEqual([listeners, verifiers >= 0], [listenersHere, true]);

  const { keys, ...issuer } = issuers.get('fusionauth') ?? assert.fail();
  assert.deepEqual(issuer, {
    name: 'fusionauth',
    issuer: 'https://local.fusionauth.io',
    audience: ['63b73f76-7400-487d-b122-5705b848da80'],
    expiry: 'required',
    algorithms: ['RS256'],
    remotes: undefined,
    audienceMatch: 'any',
    clockToleranceMs: 0,
    require: ['applicationId'],
    maxAgeMs: Number.POSITIVE_INFINITY,
    tokenTypes: undefined,
    rejectIdTokens: false,
    rolesClaim: 'roles',
  });
  assert.deepEqual(
    keys.map(({ id: _, ...key }) => key),
    [
      {
        kid: undefined,
        algorithms: ['RS256'],
        material: { kind: 'public', pem: fixture('public-key.pem') },
      },
    ],
  );
  assert.deepEqual(
    [...upstreams.values()],
    [
      {
        name: 'app',
        servers: [
          {
            address: { host: '127.0.0.1', port: 9000 },
            scheme: 'http',
            protocol: 'http/1.1',
            weight: 1,
            backup: false,
            connections: 256,
          },
        ],
        timeouts: { connectMs: 5_000, responseMs: 60_000, idleMs: 60_000, keepAliveMs: 60_000 },
        limits: { connections: 256, waiting: 1024 },
        pipelining: 1,
        reuse: true,
        resolveMs: 30_000,
        retries: { attempts: 1, budget: 0.2, on: ['connect', 'reset'] },
      },
    ],
  );
  assert.deepEqual(
    routes.map(({ name, auth, upstream }) => [name, auth, upstream]),
    [
      ['/public', 'none', 'app'],
      ['/', ['fusionauth'], 'app'],
    ],
  );
  assert.deepEqual(routes[1]?.forward, {
    headers: new Map([
      ['X-User-Id', 'sub'],
      ['X-User-Roles', 'roles'],
    ]),
    token: 'keep',
    forwarded: new Set(['for', 'proto', 'host']),
  });
});

test('nothing in a configuration can be changed', () => {
  const config = configOf(fixture('documented.yaml'));
  for (const part of [
    config,
    config.listen,
    config.cache,
    config.routes[0],
    config.issuers.get('fusionauth'),
  ]) {
    assert.ok(Object.isFrozen(part));
  }
});

test('a server with https needs nothing else', () => {
  const text = fixture('documented-later.yaml');
  const { upstreams } = configOf(text, { REVOCATION_SECRET: 'x'.repeat(32) });
  const { servers, tls } = upstreams.get('secure') ?? {};
  assert.deepEqual(
    servers?.map(({ scheme, address }) => [scheme, address]),
    [['https', { host: '10.0.0.1', port: 9000 }]],
  );
  assert.equal(tls?.verify, true);
  assert.deepEqual([tls?.serverName, tls?.client], [undefined, undefined]);
  assert.equal(upstreams.get('app')?.tls, undefined);
});

test('all faults of a file are reported at once, in the order of its lines, each once', () => {
  const faults = faultsOf(fixture('many-faults.yaml'));
  assert.deepEqual(
    faults.map((fault) => /^f:(\d+:\d+: [^:]+): /.exec(fault)?.[1]),
    [
      '1:9: listen',
      '2:1: admim',
      '3:12: verifiers',
      '5:3: issuers.first.issuer',
      '6:5: issuers.first.isuer',
      '7:15: issuers.first.audience',
      '8:18: issuers.first.algorithms[0]',
      '8:25: issuers.first.algorithms[1]',
      '9:18: issuers.first.keys.pem',
      '10:21: issuers.first.clockTolerance',
      '14:18: issuers.second.algorithms[0]',
      '17:20: upstreams.app.servers[0]',
      '19:20: routes[0].match.path',
      '20:11: routes[0].auth',
      '21:15: routes[0].upstream',
      '22:27: routes[0].forward.headers.Host',
      '22:43: routes[0].forward.headers.X-A',
      '22:49: routes[0].forward.headers.x_a',
      '23:5: routes[1]',
      '24:5: routes[2].auth',
      '26:24: routes[2].cors.preflight',
    ],
  );
  assert.equal(
    faults[8],
    `f:9:18: issuers.first.keys.pem: ${join(fixtures, 'missing.pem')} does not exist; must be a readable file`,
  );
});

test('the short form is one route for everything, with the only issuer', () => {
  const config = configOf(`
listen: [127.0.0.1:0, 127.0.0.1:0]
upstream: http://127.0.0.1:9000
issuers:
  app: { issuer: https://idp, audience: [a, b], algorithms: [RS256], keys: { pem: public-key.pem } }
`);
  assert.deepEqual(config.routes, [
    {
      name: '/',
      match: { host: undefined, path: '/', methods: undefined },
      auth: ['app'],
      require: undefined,
      preflight: { kind: 'authenticate' },
      connectionAuth: 'refuse',
      upstream: '127.0.0.1:9000',
      forward: { headers: new Map(), token: 'keep', forwarded: new Set(['for', 'proto', 'host']) },
    },
  ]);
  assert.deepEqual(config.upstreams.get('127.0.0.1:9000'), {
    name: '127.0.0.1:9000',
    servers: [
      {
        address: { host: '127.0.0.1', port: 9000 },
        scheme: 'http',
        protocol: 'http/1.1',
        weight: 1,
        backup: false,
        connections: 256,
      },
    ],
    timeouts: { connectMs: 5_000, responseMs: 60_000, idleMs: 60_000, keepAliveMs: 60_000 },
    limits: { connections: 256, waiting: 1024 },
    pipelining: 1,
    reuse: true,
    resolveMs: 30_000,
    retries: { attempts: 1, budget: 0.2, on: ['connect', 'reset'] },
  });
});

test('retries are read, and may be switched off', () => {
  const retriesOf = (text: string): unknown =>
    configOf(`
listen: 127.0.0.1:0
upstreams: { app: { servers: [http://a, http://b]${text} } }
upstream: app
auth: none
`).upstreams.get('app')?.retries;
  assert.deepEqual(retriesOf(', retries: { attempts: 0 }'), {
    attempts: 0,
    budget: 0.2,
    on: ['connect', 'reset'],
  });
  assert.deepEqual(retriesOf(', retries: { attempts: 5, budget: 100%, on: [unavailable] }'), {
    attempts: 5,
    budget: 1,
    on: ['unavailable'],
  });
});

test('limits and time-outs are read in their units, and can be switched off', () => {
  const rest = 'listen: 127.0.0.1:0\nupstream: http://127.0.0.1:9000\nauth: none\n';
  const set = configOf(`${rest}
limits: { bufferedBodies: 2MiB, connections: 7, requestsPerConnection: 100 }
timeouts: { request: 90s, bodyMinRate: 2KiB/s }
`);
  const { bufferedBodies, connections, requestsPerConnection } = set.limits;
  assert.deepEqual([bufferedBodies, connections, requestsPerConnection], [2_097_152, 7, 100]);
  assert.deepEqual(set.timeouts, {
    requestMs: 90_000,
    bodyMinRate: 2048,
    requestHeadMs: 15_000,
    keepAliveMs: 75_000,
    sendMs: 60_000,
    tunnelMs: 3_600_000,
  });
  const off = configOf(`${rest}
limits: { requestsPerConnection: none }
timeouts: { request: none, bodyMinRate: none }
`);
  assert.equal(off.limits.requestsPerConnection, Number.POSITIVE_INFINITY);
  assert.deepEqual(off.timeouts, {
    requestMs: Number.POSITIVE_INFINITY,
    bodyMinRate: 0,
    requestHeadMs: 15_000,
    keepAliveMs: 75_000,
    sendMs: 60_000,
    tunnelMs: 3_600_000,
  });
});

test('a route is named after its match, and its host is in one form', () => {
  const config = configOf(`
listen: 127.0.0.1:0
upstreams: { app: { servers: ["http://[::1]:9000"] } }
routes:
  - { match: { host: API.Example.com, path: /orders, methods: [GET, POST] }, auth: none, upstream: app }
  - match: { path: /caf%C3%A9, methods: [DELETE] }
    auth: none
    upstream: http://127.0.0.1
    forward: { forwarded: [] }
`);
  assert.deepEqual(
    config.routes.map(({ name, match, upstream }) => [name, match.host, upstream]),
    [
      ['GET,POST api.example.com/orders', 'api.example.com', 'app'],
      ['DELETE /caf%C3%A9', undefined, '127.0.0.1:80'],
    ],
  );
  assert.equal(config.routes[1]?.forward.forwarded.size, 0);
  assert.deepEqual(config.upstreams.get('app')?.servers[0]?.address, { host: '::1', port: 9000 });
});

test('each check that is switched off gives a warning', () => {
  const config = configOf(`
listen: 127.0.0.1:0
upstream: http://127.0.0.1:9000
issuers:
  app: { issuer: any, audience: any, expiry: optional, algorithms: [RS256], keys: { pem: public-key.pem } }
`);
  assert.deepEqual(config.warnings, [
    'f:5:18: issuers.app.issuer: any: tokens of every issuer are accepted that one of the keys verifies',
    'f:5:33: issuers.app.audience: any: tokens meant for other services are accepted',
    'f:5:46: issuers.app.expiry: optional: tokens without exp are accepted for ever',
  ]);
  const issuer = config.issuers.get('app');
  assert.deepEqual([issuer?.issuer, issuer?.audience, issuer?.expiry], [undefined, undefined, 'optional']);
});

test('a unix socket is where the file says, from its folder', () => {
  const { listen } = configOf(
    'listen: [unix:run/http.sock, unix:/run/x.sock, ":80"]\nupstream: http://h\nauth: none\n',
  );
  assert.deepEqual(listen, [
    { path: join(fixtures, 'run/http.sock') },
    { path: '/run/x.sock' },
    { host: '0.0.0.0', port: 80 },
  ]);
});

test('trusted proxies are known by their addresses, and trusting every peer gives a warning', () => {
  const proxies = (list: string) =>
    configOf(`listen: 127.0.0.1:0\nupstream: http://h\nauth: none\ntrustedProxies: ${list}\n`);
  assert.equal(proxies('[]').trustedProxies, undefined);
  const config = proxies('[10.0.0.0/8, "::1", unix]');
  assert.deepEqual(config.trustedProxies, [
    { address: '10.0.0.0', family: 'ipv4', prefix: 8 },
    { address: '::1', family: 'ipv6', prefix: 128 },
    { family: 'unix' },
  ]);
  assert.deepEqual(config.warnings, []);
  assert.deepEqual(proxies('[10.0.0.1, 0.0.0.0/0]').warnings, [
    'f:4:28: trustedProxies[1]: believes X-Forwarded-* of every client',
  ]);
});

test('an object has faults without lines', () => {
  const result = configFromObject(
    { listen: '127.0.0.1:0', upstream: 'app', auth: 'none', relm: 1 },
    fixtures,
    {},
  );
  assert.ok(!result.ok);
  assert.deepEqual(result.faults.map(formatFault), [
    'config: relm: is not a known key; must be realm if that is meant',
    'config: upstream: "app" is not the name of an upstream; must be an entry of upstreams, which is empty',
  ]);
});

test('an object that no file can hold is refused, not followed', () => {
  const endless: Record<string, unknown> = {};
  endless['cache'] = endless;
  for (const object of [
    endless,
    null,
    undefined,
    5,
    [],
    { listen: () => '127.0.0.1:0' },
    new Map([[{}, 1]]),
  ]) {
    assert.equal(configFromObject(object, fixtures, {}).ok, false);
  }
});

test('an object can be a whole configuration', () => {
  const pem = fixture('public-key.pem');
  const issuers = { app: { issuer: 'x', audience: 'y', algorithms: ['PS256'], keys: { pem } } };
  const object = { listen: '127.0.0.1:0', upstream: 'http://127.0.0.1:9000', issuers };
  const result = configFromObject(object, '/', {});
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(result.config.issuers.get('app')?.keys[0]?.algorithms, ['PS256']);
});

test('a configuration file that cannot be read is reported by its absolute path', () => {
  const large = join(folder, 'large.yaml');
  writeFileSync(large, '#'.repeat(1024 * 1024 + 1));
  const binary = join(folder, 'binary.yaml');
  writeFileSync(binary, Buffer.from([0x61, 0xff]));
  for (const [file, text] of [
    [join(folder, 'none.yaml'), 'does not exist; must be a readable file'],
    [folder, 'is a folder; must be a readable file'],
  ] as const) {
    assert.throws(
      () => loadConfig({ file, env: {} }),
      (error) => error instanceof StartError && error.message === `the configuration file ${file} ${text}`,
    );
  }
  for (const [file, text] of [
    [large, 'is larger than 1048576 bytes; must be smaller'],
    [binary, 'is not UTF-8 text; must be a text file'],
  ] as const) {
    const result = loadConfig({ file, env: {} });
    assert.ok(!result.ok);
    assert.deepEqual(result.faults.map(formatFault), [`${file}:1:1: configuration: ${text}`]);
  }
});

test('relative paths start at the folder of the file', () => {
  writeFileSync(join(folder, 'key.pem'), fixture('public-key.pem'));
  const file = join(folder, 'portcullis.yaml');
  writeFileSync(
    file,
    'listen: 127.0.0.1:0\nupstream: http://h\nissuers: { a: { issuer: x, audience: y, algorithms: [RS256], keys: { pem: ./key.pem } } }\n',
  );
  assert.equal(loadConfig({ file, env: {} }).ok, true);
});
