import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { PreflightConfig, RouteConfig } from '../../src/config/config.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { openPreflight } from '../support/preflight.ts';
import { request, Wire, type WireResponse } from '../support/wire.ts';

const APP = 'https://app.example.com';

const answer: PreflightConfig = {
  kind: 'answer',
  origins: [APP, 'http://localhost:3000'],
  methods: ['GET', 'PUT'],
  headers: ['authorization', 'content-type'],
  maxAgeMs: 600_000,
  credentials: true,
};

const route = (
  path: string,
  preflight: PreflightConfig,
  others: Partial<RouteConfig> = {},
  methods?: readonly string[],
): Partial<RouteConfig> => ({
  name: `${methods ?? ''}${path}`,
  match: { host: undefined, path, methods },
  preflight,
  ...others,
});
const pass = { kind: 'pass' } as const;
const authenticate = { kind: 'authenticate' } as const;

const identity: RouteConfig['forward'] = {
  headers: new Map([['X-User-Id', 'sub']]),
  set: new Map([['X-Gateway', 'portcullis']]),
  token: 'keep',
  forwarded: new Set(['for']),
};

let origin: Origin;
let gateway: TestGateway;
/** Heads that upstream received. */
let received: string[] = [];

before(async () => {
  origin = await Origin.start();
  origin.serve((text) => {
    received.push(text);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nX-From: upstream\r\n\r\nupstream';
  });
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [
      route('/guarded', authenticate),
      route('/pass', pass, { forward: identity }),
      route('/cookie', pass, {
        token: [
          { kind: 'header', name: 'x-token', scheme: undefined },
          { kind: 'query', name: 'access_token' },
        ],
      }),
      route('/answer', answer),
      route('/openPreflight', openPreflight),
      // Distinguished by method.
      route('/split', authenticate, {}, ['GET']),
      route('/split', pass, {}, ['PUT']),
      route('/split', answer, {}, ['DELETE']),
      route('/split', authenticate, {}, ['OPTIONS']),
      route('/public', authenticate, { auth: 'none' }),
    ],
  });
});

afterEach(() => {
  received = [];
});

after(async () => {
  await gateway.close();
  await origin.close();
});

const options = (path: string, ...fields: string[]): string =>
  `${[`OPTIONS ${path} HTTP/1.1`, 'Host: api.example', ...fields].join('\r\n')}\r\n\r\n`;
const preflight = (path: string, method = 'PUT', ...fields: string[]): string =>
  options(path, `Origin: ${APP}`, `Access-Control-Request-Method: ${method}`, ...fields);

const corsFields = (response: WireResponse): string[] =>
  response.fields
    .filter(([name]) => /^(access-control-|vary$)/i.test(name))
    .map(([name, value]) => `${name}: ${value}`);

async function refused(bytes: string, status: number, code: string): Promise<void> {
  const response = await request(gateway.port, bytes);
  assert.equal(response.status, status, response.raw);
  assert.equal(JSON.parse(response.body).code, code);
  assert.deepEqual(corsFields(response), []);
  assert.deepEqual(received, []);
}

async function carried(bytes: string): Promise<string> {
  const response = await request(gateway.port, bytes);
  assert.equal(response.body, 'upstream', response.raw);
  assert.equal(received.length, 1);
  return received[0] as string;
}

describe('preflight: authenticate', () => {
  test('a preflight needs a token like any request', () =>
    refused(preflight('/guarded'), 401, 'token_missing'));

  test('and is carried with one', async () => {
    const head = await carried(preflight('/guarded', 'PUT', `Authorization: ${gateway.bearer()}`));
    assert.match(head, /^OPTIONS \/guarded HTTP\/1\.1\r\n/);
  });
});

describe('preflight: pass', () => {
  test('a preflight goes upstream without a token, unchanged', async () => {
    const head = await carried(
      preflight('/pass/x?y=1', 'PUT', 'Access-Control-Request-Headers: authorization'),
    );
    assert.match(head, /^OPTIONS \/pass\/x\?y=1 HTTP\/1\.1\r\n/);
    assert.match(head, /\r\nX-Gateway: portcullis\r\n/);
    assert.match(head, /^origin: https:\/\/app\.example\.com\r$/m);
    assert.match(head, /^access-control-request-method: PUT\r$/m);
    assert.match(head, /^access-control-request-headers: authorization\r$/m);
  });

  test('so does the preflight of a sandboxed frame, and one that announces an empty body', async () => {
    await carried(
      options('/pass', 'Origin: null', 'Access-Control-Request-Method: GET', 'Content-Length: 0'),
    );
  });

  test('forged identity headers and headers that override the method are removed from it', async () => {
    const forged = [
      'X-User-Id: admin',
      'x_user_id: admin',
      'X-HTTP-Method-Override: DELETE',
      'X-Original-URL: /a',
    ];
    const head = await carried(preflight('/pass', 'PUT', ...forged));
    assert.doesNotMatch(head, /user.id|override|original|admin/i);
  });

  test('overriding headers are also removed where no route names a method', async () => {
    const sole = await startGateway({ upstreamPort: origin.port, routes: [{ preflight: pass }] });
    try {
      await request(
        sole.port,
        preflight('/x', 'PUT', 'X-HTTP-Method-Override: DELETE', 'X-Method_Override: PUT'),
      );
      assert.match(received[0] as string, /^OPTIONS \/x /);
      assert.doesNotMatch(received[0] as string, /override/);
    } finally {
      await sole.close();
    }
  });

  for (const written of ['access_token=forged', 'c=1;access_token=forged', 'access_token[]=forged']) {
    test(`a token where the route takes tokens is removed too, such as ${written}`, async () => {
      const head = await carried(preflight(`/cookie?a=1&${written}&b=2`, 'PUT', 'X-Token: forged'));
      assert.match(head, /^OPTIONS \/cookie\?a=1&b=2 HTTP/);
      assert.doesNotMatch(head, /forged/);
    });
  }

  test('every other method needs a token, with any header fields', async () => {
    const fields = `Host: a\r\nOrigin: ${APP}\r\nAccess-Control-Request-Method: PUT\r\n`;
    for (const method of [
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'DELETE',
      'options',
      'Options',
      'OPTION',
      'OPTIONSX',
    ]) {
      const wire = await Wire.open(gateway.port);
      wire.send(`${method} /pass HTTP/1.1\r\n${fields}\r\n`);
      assert.equal((await wire.response({ toHead: method === 'HEAD' })).status, 401, method);
      wire.close();
    }
    assert.deepEqual(received, []);
  });

  const method = 'Access-Control-Request-Method: PUT';
  for (const [what, ...fields] of [
    ['without Origin', method],
    ['without the method', `Origin: ${APP}`],
    ['with an empty method', `Origin: ${APP}`, 'Access-Control-Request-Method:'],
    ['with an empty Origin', 'Origin:', method],
    ['with two Origins', `Origin: ${APP}`, `Origin: ${APP}`, method],
    ['with two methods', `Origin: ${APP}`, method, 'access-control-request-method: GET'],
    ['with two methods in one field', `Origin: ${APP}`, 'Access-Control-Request-Method: PUT, GET'],
    ['with an Origin that is none', 'Origin: app', method],
    ['with two Origins in one field', `Origin: ${APP}, ${APP}`, method],
    ['with an Origin that has a path', `Origin: ${APP}/x`, method],
    ['with other spellings of the names', `0rigin: ${APP}`, 'Access_Control_Request_Method: PUT'],
    ['with a cookie', `Origin: ${APP}`, method, 'Cookie: a=b'],
  ] as const) {
    test(`OPTIONS ${what} is no preflight`, () => refused(options('/pass', ...fields), 401, 'token_missing'));
  }

  test('OPTIONS with a token is no preflight, and the token is judged', async () => {
    await refused(preflight('/pass', 'PUT', 'Authorization: Bearer a.b.c'), 401, 'token_malformed');
    await refused(preflight('/pass', 'PUT', 'Authorization: Basic eDp5'), 401, 'token_missing');
    const head = await carried(preflight('/pass', 'PUT', `Authorization: ${gateway.bearer()}`));
    assert.match(head, /^x-user-id: user\r$/im);
  });

  test('OPTIONS with a body is no preflight', async () => {
    await refused(`${preflight('/pass', 'PUT', 'Content-Length: 1')}x`, 401, 'token_missing');
    await refused(
      `${preflight('/pass', 'PUT', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      401,
      'token_missing',
    );
  });

  test('a path that the rules refuse stays refused', async () => {
    for (const path of [
      '/pass/../guarded',
      '/pass/..//guarded',
      '/pass;x',
      '/pass%2f..%2fguarded',
      '/PASS',
    ]) {
      const response = await request(gateway.port, preflight(path));
      assert.ok([400, 404].includes(response.status), `${path}: ${response.status}`);
    }
    assert.deepEqual(received, []);
  });
});

describe('the route of a preflight is that of the requested method', () => {
  test('which lets it pass', async () => {
    assert.match(await carried(preflight('/split', 'PUT')), /^OPTIONS \/split /);
  });

  test('which answers it', async () => {
    const response = await request(gateway.port, preflight('/split', 'DELETE'));
    assert.equal(response.status, 204);
    assert.equal(response.headers.get('access-control-allow-origin'), APP);
    assert.deepEqual(received, []);
  });

  test('or takes no preflight, so that it is an OPTIONS request like any other', async () => {
    for (const method of ['GET', 'HEAD', 'PATCH', 'put', 'OPTIONS', '*']) {
      await refused(preflight('/split', method), 401, 'token_missing');
    }
  });

  test('a method opens no other route', async () => {
    for (const method of ['PUT', 'DELETE'])
      await refused(preflight('/guarded', method), 401, 'token_missing');
    await refused(preflight('/nowhere', 'PUT'), 404, 'route_not_found');
  });

  test('a public route carries it without any `cors` key', async () => {
    assert.match(await carried(preflight('/public')), /^OPTIONS \/public /);
  });
});

describe('preflight: answer', () => {
  test('an allowed origin gets the permissions', async () => {
    const response = await request(gateway.port, preflight('/answer/x'));
    assert.equal(response.status, 204);
    assert.deepEqual(corsFields(response), [
      'Vary: Origin',
      `Access-Control-Allow-Origin: ${APP}`,
      'Access-Control-Allow-Methods: GET, PUT',
      'Access-Control-Allow-Headers: authorization, content-type',
      'Access-Control-Max-Age: 600',
      'Access-Control-Allow-Credentials: true',
    ]);
    assert.match(response.raw, /^HTTP\/1\.1 204 No Content\r\n/);
    assert.doesNotMatch(response.raw, /content-length|transfer-encoding/i);
    assert.deepEqual(received, []);
  });

  test('the reply echoes nothing that the client asks for', async () => {
    const plain = await request(gateway.port, preflight('/answer'));
    const asking = await request(
      gateway.port,
      preflight('/answer', 'DELETE', 'Access-Control-Request-Headers: x-evil', 'X-Evil: 1'),
    );
    assert.deepEqual(corsFields(asking), corsFields(plain));
  });

  for (const stranger of [
    'https://evil.example',
    'null',
    'http://app.example.com',
    'https://app.example.com:443',
    'https://app.example.com.evil.example',
    'https://xapp.example.com',
    'https://APP.example.com',
    'https://app.example.com@evil.example',
    'https://__proto__',
  ]) {
    test(`${stranger} gets no permission`, async () => {
      const bytes = options('/answer', `Origin: ${stranger}`, 'Access-Control-Request-Method: GET');
      const response = await request(gateway.port, bytes);
      assert.equal(response.status, 204);
      assert.deepEqual(corsFields(response), ['Vary: Origin']);
      assert.deepEqual(received, []);
    });
  }

  test('every origin may ask where the origin is *, and gets no credentials', async () => {
    for (const one of [APP, 'https://evil.example', 'null']) {
      const bytes = options('/openPreflight', `Origin: ${one}`, 'Access-Control-Request-Method: GET');
      assert.deepEqual(corsFields(await request(gateway.port, bytes)), [
        'Vary: Origin',
        'Access-Control-Allow-Origin: *',
        'Access-Control-Allow-Methods: GET',
      ]);
    }
  });

  test('the connection goes on after the reply', async () => {
    const wire = await Wire.open(gateway.port);
    for (const path of ['/answer', '/openPreflight', '/answer']) {
      wire.send(preflight(path));
      const response = await wire.response();
      assert.equal(response.status, 204);
      assert.equal(response.closed, false);
    }
    wire.send(`GET /answer HTTP/1.1\r\nHost: a\r\nAuthorization: ${gateway.bearer()}\r\n\r\n`);
    assert.equal((await wire.response()).body, 'upstream');
    wire.close();
  });

  test('the reply says so where the client has to leave', async () => {
    const leaving = await startGateway({
      upstreamPort: origin.port,
      routes: [{ preflight: answer }],
      config: { limits: { requestsPerConnection: 1 } },
    });
    try {
      const response = await request(leaving.port, preflight('/'));
      assert.equal(response.status, 204);
      assert.equal(response.headers.get('connection'), 'close');
      assert.equal(response.closed, true);
      assert.equal(response.headers.get('access-control-allow-origin'), APP);
      assert.doesNotMatch(response.raw, /content-length|transfer-encoding/i);
    } finally {
      await leaving.close();
    }
  });

  test('requests themselves need their token, and their responses are upstream’s alone', async () => {
    await refused(`PUT /answer HTTP/1.1\r\nHost: a\r\nOrigin: ${APP}\r\n\r\n`, 401, 'token_missing');
    await refused(options('/answer', `Origin: ${APP}`), 401, 'token_missing');
    const bytes = `PUT /answer HTTP/1.1\r\nHost: a\r\nOrigin: ${APP}\r\nAuthorization: ${gateway.bearer()}\r\n\r\n`;
    const response = await request(gateway.port, bytes);
    assert.equal(response.body, 'upstream');
    assert.deepEqual(corsFields(response), []);
  });

  test('it is counted under its own reason, and is no rejection', async () => {
    const before = (await gateway.outcomes())['preflight_answered'] ?? 0;
    await request(gateway.port, preflight('/answer'));
    await request(gateway.port, options('/answer', 'Origin: null', 'Access-Control-Request-Method: GET'));
    assert.equal((await gateway.outcomes())['preflight_answered'], before + 2);
  });
});
