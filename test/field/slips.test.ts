// Source: a newcomer with a fresh clone: check accepted without a word what was hardly meant.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { run } from '../cli/program.ts';
import { configOf, faultsOf } from '../config/check.ts';
import { loopbackCertificate } from '../support/certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

const base = {
  listen: 'listen: 127.0.0.1:8080',
  admin: 'admin: 127.0.0.1:9090',
  issuer: 'issuer: https://idp',
  keys: 'keys: { pem: public-key.pem }',
  upstreams: 'upstreams: { app: { servers: [http://127.0.0.1:9000] } }',
  routes: 'routes: [{ match: { path: / }, auth: app, upstream: app }]',
  x: '',
};
const text = (changes: Partial<typeof base> = {}): string => {
  const { issuer, keys, ...rest } = { ...base, ...changes };
  const issuers = `issuers: { app: { ${issuer}, audience: api, algorithms: [RS256], ${keys} } }`;
  return `${Object.values({ ...rest, issuers }).join('\n')}\n`;
};
const warningsOf = (changes: Partial<typeof base>): readonly string[] => configOf(text(changes)).warnings;

/** The file of a certificate that is valid between two dates. */
function certificate(name: string, from: string, to: string): string {
  const file = join(folder, `${name}.pem`);
  writeFileSync(file, loopbackCertificate([from, to]).cert);
  return file;
}

test('an ordinary file has no warning', () => assert.deepEqual(warningsOf({}), []));

describe('a warning names the probable intention', () => {
  for (const [what, changes, warning] of [
    [
      'a variable without braces',
      { issuer: 'issuer: $APP_ISSUER' },
      /issuers\.app\.issuer: holds a variable in a form that is not replaced, such as \$NAME; \$\{NAME\} is meant/,
    ],
    [
      'a variable of make',
      { issuer: 'issuer: "https://$(HOST)/"' },
      /issuers\.app\.issuer: holds a variable/,
    ],
    ['a template', { issuer: 'issuer: "{{ issuer }}"' }, /issuers\.app\.issuer: holds a variable/],
    ['curly quotes', { issuer: 'issuer: “https://idp”' }, /issuer: begins or ends with a curly quote/],
    ['one of them', { issuer: 'issuer: https://idp’' }, /issuer: begins or ends with a curly quote/],
    [
      'issuers and public routes alone',
      { routes: base.routes.replace('auth: app', 'auth: none') },
      /: issuers: are defined, and no route asks for a token: .*auth: app is meant/,
    ],
    [
      'an upstream that is not used',
      { upstreams: base.upstreams.replace('{ app', '{ spare: { servers: [http://h:1] }, app') },
      /f:\d+:\d+: upstreams\.spare: is used by no route/,
    ],
    [
      'a header and its claim, reversed',
      {
        routes: base.routes.replace('upstream: app', 'upstream: app, forward: { headers: { sub: X-User } }'),
      },
      /headers\.sub: sends the claim X-User as the header sub; \{ X-User: sub \} is meant/,
    ],
    ['admin for everyone', { admin: 'admin: 0.0.0.0:9090' }, /admin: is reached from other machines/],
    ['admin for everyone by IPv6', { admin: 'admin: "[::]:9090"' }, /admin: is reached from other machines/],
    ['admin for one network', { admin: 'admin: 10.0.0.1:9090' }, /admin: is reached from other machines/],
    ['admin for a name', { admin: 'admin: gateway.internal:9090' }, /admin: is reached from other machines/],
    [
      'a state folder that does not exist',
      { x: 'state: /nowhere/at/all' },
      /state: does not exist and is made/,
    ],
  ] as const) {
    test(what, () => {
      const warnings = warningsOf(changes);
      assert.equal(warnings.length, 1, warnings.join('\n'));
      assert.match(warnings[0] as string, warning);
    });
  }

  test('a certificate that has expired, or is not valid yet', () => {
    const expired = certificate('expired', '20200101000000Z', '20210101000000Z');
    const early = certificate('early', '20980101000000Z', '20990101000000Z');
    const valid = certificate('valid', '20200101000000Z', '20990101000000Z');
    const warned = (pem: string): string =>
      configOf(text({ keys: `keys: { pem: "${pem}" }` }).replace('RS256', 'ES256')).warnings.join('\n');
    assert.match(
      warned(expired),
      /keys\.pem: .*expired\.pem holds a certificate that has expired on Jan .* 2021 GMT/,
    );
    assert.match(
      warned(early),
      /keys\.pem: .*early\.pem holds a certificate that is not valid before Jan .* 2098 GMT/,
    );
    assert.equal(warned(valid), '');
  });

  test('an issuer that no route uses, beside one that a route uses', () => {
    const secret = '0123456789abcdef0123456789abcdefZ';
    const more = `spare: { issuer: https://spare, audience: x, algorithms: [HS256], keys: { secret: ${secret} } }`;
    const warnings = configOf(text().replace('issuers: {', `issuers: { ${more},`)).warnings;
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] as string, /issuers\.spare: is used by no route/);
    assert.ok(!warnings.join('').includes(secret));
  });

  test('a file that only resembles a slip has none', () => {
    for (const changes of [
      { issuer: 'issuer: "https://idp/$metadata"' },
      { issuer: `issuer: 'a "quoted" one'` },
      { issuer: `issuer: "$${'{APP:-https://idp}'}"` },
      {
        routes: base.routes.replace('upstream: app', 'upstream: app, forward: { headers: { X-User: sub } }'),
      },
      {
        routes: base.routes.replace(
          'upstream: app',
          'upstream: app, forward: { headers: { X-User: x-user } }',
        ),
      },
      { x: `state: "${folder}"` },
      { admin: 'admin: "[::1]:9090"' },
      { admin: 'admin: localhost:9090' },
      { admin: 'admin: 127.8.0.1:9090' },
      { admin: 'admin: unix:/run/portcullis/admin.sock' },
      { admin: `admin: { address: "0.0.0.0:9090", secret: ${'s'.repeat(32)} }` },
    ]) {
      assert.deepEqual(warningsOf(changes), []);
    }
  });
});

test('check passes with warnings, and check --strict does not', async () => {
  const file = join(folder, 'slips.yaml');
  writeFileSync(
    file,
    'listen: 127.0.0.1:8080\nadmin: 0.0.0.0:9090\nauth: none\nupstream: http://127.0.0.1:9000\n',
  );
  const plain = await run(['check', file]);
  assert.deepEqual([plain.code, plain.stdout.split('\n')[0]], [0, `${file} is valid`]);
  assert.match(plain.stderr, /^warning: .*:2:8: admin: is reached from other machines/);
  const strict = await run(['check', '--strict', file]);
  assert.deepEqual([strict.code, strict.stdout], [78, '']);
  assert.match(strict.stderr, /^\/.*:2:8: admin: is reached .*\nportcullis: 1 warning in .*--strict/);
});

describe('an upstream that is the gateway itself is a fault', () => {
  const faults = (listen: string, server: string): readonly string[] =>
    faultsOf(`listen: "${listen}"\nadmin: 127.0.0.1:9090\nauth: none\nupstream: "${server}"\n`);
  const own = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4')?.address as string;

  for (const [listen, server] of [
    ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['127.0.0.1:8080', 'http://localhost:8080'],
    ['0.0.0.0:8080', 'http://127.0.0.1:8080'],
    ['0.0.0.0:8080', 'http://localhost:8080'],
    ['0.0.0.0:8080', `http://${own}:8080`],
    ['0.0.0.0:8080', `http://${hostname()}:8080`],
    ['[::]:8080', 'http://[::1]:8080'],
    ['[::]:8080', 'http://127.0.0.1:8080'],
    ['localhost:8080', 'http://127.0.0.1:8080'],
    ['127.0.0.1:80', 'http://127.0.0.1'],
    ['127.0.0.1:8080', 'http://0.0.0.0:8080'],
  ] as const) {
    test(`${server} behind ${listen}`, () => {
      assert.match(
        faults(listen, server).join('\n'),
        /^f:4:11: upstream: is an address of listen, so that .*; must be the/,
      );
    });
  }

  test('in upstreams and in routes too', () => {
    const listen = 'listen: 0.0.0.0:8080\n';
    assert.match(
      faultsOf(
        `${listen}upstreams: { app: { servers: [http://localhost:8080] } }\nroutes: [{ match: {}, auth: none, upstream: app }]\n`,
      ).join('\n'),
      /^f:2:\d+: upstreams\.app\.servers\[0\]: is an address of listen/,
    );
    assert.match(
      faultsOf(`${listen}routes: [{ match: {}, auth: none, upstream: "http://localhost:8080" }]\n`).join(
        '\n',
      ),
      /^f:2:\d+: routes\[0\]\.upstream: is an address of listen/,
    );
  });

  test('and another port or address is none', () => {
    for (const [listen, server] of [
      ['127.0.0.1:8080', 'http://127.0.0.1:8081'],
      ['127.0.0.1:8080', 'http://127.0.0.2:8080'],
      ['127.0.0.1:8080', 'http://other.example:8080'],
      ['127.0.0.1:0', 'http://127.0.0.1:8080'],
      ['unix:/run/portcullis.sock', 'http://127.0.0.1:8080'],
    ] as const) {
      assert.deepEqual(faults(listen, server), [], `${listen} ${server}`);
    }
  });
});

test('the name of a container with _ is that of an upstream', () => {
  for (const host of ['my_app', 'my_app_1', '_srv.example.com', 'a_b.c-d']) {
    assert.deepEqual(
      configOf(text({ upstreams: `upstreams: { app: { servers: ["http://${host}:9000"] } }` })).upstreams.get(
        'app',
      )?.servers[0]?.address,
      { host, port: 9000 },
    );
  }
  for (const host of ['my app', 'my%app', '-app', 'app-', 'a..b', '.a', 'a@b', '']) {
    assert.equal(
      faultsOf(text({ upstreams: `upstreams: { app: { servers: ["http://${host}:9000"] } }` })).length,
      1,
      host,
    );
  }
});
