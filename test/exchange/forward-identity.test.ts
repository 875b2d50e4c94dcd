import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ForwardConfig, RouteConfig } from '../../src/config/config.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;
let seen: string[] = [];

const route = (path: string, forward: Partial<ForwardConfig>, auth?: 'none'): Partial<RouteConfig> => ({
  name: path,
  match: { host: undefined, path, methods: undefined },
  forward: { headers: new Map(), token: 'strip', forwarded: new Set(), ...forward },
  ...(auth === undefined ? {} : { auth }),
});

before(async () => {
  origin = await Origin.start();
  origin.serve((text) => {
    seen.push(text);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
  const claims = new Map([
    ['X-Roles', { claim: 'roles', as: 'csv' as const }],
    ['X-Tenant', { claim: 'tenant', as: 'json' as const }],
    ['X-Name', { claim: 'name', as: 'base64url' as const }],
    ['X-Mail', { claim: 'email', as: 'string' as const }],
  ]);
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [
      route('/claims', { headers: claims }),
      route('/payload', { payload: 'X-Jwt-Payload' }),
      route('/set', { set: new Map([['X-Gateway', 'portcullis']]) }),
      route('/all', {
        headers: new Map([['X-Id', 'sub']]),
        payload: 'X-Jwt-Payload',
        set: new Map([
          ['X-Gateway', 'the other'],
          ['X-Forwarded-Prefix', '/all'],
        ]),
      }),
      route('/plain', {}),
      route('/public', {}, 'none'),
      route('/public-set', { set: new Map([['X-Gateway', 'portcullis']]) }, 'none'),
    ],
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

/** Header lines that upstream received, without the Host line; the reason when it received none. */
async function sent(path: string, lines: readonly string[]): Promise<readonly string[] | string> {
  seen = [];
  const text = `${[`GET ${path} HTTP/1.1`, 'Host: a', ...lines].join('\r\n')}\r\n\r\n`;
  const { body } = await request(gateway.port, text);
  const [head] = seen;
  if (head === undefined) return JSON.parse(body).code;
  return head
    .split('\r\n')
    .slice(1, -2)
    .filter((line) => line !== 'host: a');
}

const forged = [
  'X-Roles: admin',
  'x_roles: admin',
  'X.Tenant: {"plan":"pro"}',
  'X-NAME: YWRtaW4',
  'x-mail: a@b',
  'X-Id: root',
  'X-Jwt-Payload: e30',
  'x_jwt_payload: e30',
  'X-JWT_Payload: e30',
  'X-Gateway: portcullis',
  'X_Gateway: portcullis',
  'x.gateway: portcullis',
  'X-Forwarded-Prefix: /x',
];

/** With and without naming the added headers in Connection, in both orders. */
const variants = [
  forged,
  ['Connection: x-roles, x-jwt-payload, x-gateway, x-id', ...forged],
  [...forged, 'Connection: x_roles, X-JWT-PAYLOAD, x.gateway, x-id'],
];

for (const attack of variants) {
  describe(`forged copies with ${attack.find((line) => line.startsWith('Connection')) ?? 'no Connection'}`, () => {
    test('are removed on routes that add nothing, public ones too', async () => {
      assert.deepEqual(await sent('/public', [...attack, 'X-Kept: 1']), ['x-kept: 1']);
      assert.deepEqual(await sent('/plain', [`Authorization: ${gateway.bearer()}`, ...attack]), []);
    });

    test('never stand beside the claims, nor where a claim is absent', async () => {
      const bearer = gateway.bearer({
        roles: ['a', 'b,c', 'd\r\nX-Admin: 1'],
        tenant: { plan: 'fr\u00e9e', limit: 3 },
        name: 'J\u00fcrg\r\n',
      });
      assert.deepEqual(await sent('/claims', [...attack, `Authorization: ${bearer}`, ...attack]), [
        'X-Roles: a,b%2Cc,d%0D%0AX-Admin: 1',
        'X-Tenant: {"plan":"fr\\u00e9e","limit":3}',
        `X-Name: ${Buffer.from('J\u00fcrg\r\n').toString('base64url')}`,
      ]);
    });

    test('never stand beside the payload', async () => {
      for (let round = 0; round < 2; round += 1) {
        const bearer = gateway.bearer({ round });
        assert.deepEqual(await sent('/payload', [...attack, `Authorization: ${bearer}`]), [
          `X-Jwt-Payload: ${bearer.split('.')[1]}`,
        ]);
      }
    });

    test('never stand beside fixed headers, on public routes either', async () => {
      const bearer = `Authorization: ${gateway.bearer()}`;
      assert.deepEqual(await sent('/set', [bearer, ...attack]), ['X-Gateway: portcullis']);
      assert.deepEqual(await sent('/public-set', [...attack, bearer]), [
        bearer.replace('A', 'a'),
        'X-Gateway: portcullis',
      ]);
    });

    test('never stand beside all of these', async () => {
      const bearer = gateway.bearer();
      assert.deepEqual(await sent('/all', [...attack, `Authorization: ${bearer}`]), [
        'X-Gateway: the other',
        'X-Forwarded-Prefix: /all',
        'X-Id: user',
        `X-Jwt-Payload: ${bearer.split('.')[1]}`,
      ]);
    });
  });
}

test('each route adds its own headers for one token, in any order of routes', async () => {
  const bearer = gateway.bearer();
  const line = `Authorization: ${bearer}`;
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual(await sent('/plain', [line]), []);
    assert.deepEqual(await sent('/set', [line]), ['X-Gateway: portcullis']);
    assert.deepEqual(await sent('/payload', [line]), [`X-Jwt-Payload: ${bearer.split('.')[1]}`]);
    assert.equal((await sent('/all', [line])).length, 4);
  }
});

test('a claim that cannot be written refuses the request on that route only', async () => {
  const refusals: readonly (readonly [string, Record<string, unknown>])[] = [
    ['/claims', { roles: [['a']] }],
    ['/claims', { roles: { a: 1 } }],
    ['/claims', { email: ['a@b', 'c@d'] }],
    ['/claims', { tenant: 'a'.repeat(4095) }],
    ['/claims', { name: 'a'.repeat(3073) }],
    ['/payload', { filler: 'a'.repeat(5400) }],
  ];
  for (const [path, claims] of refusals) {
    const line = `Authorization: ${gateway.bearer(claims)}`;
    assert.equal(await sent(path, [line]), 'claim_mismatch', JSON.stringify(claims).slice(0, 40));
    assert.deepEqual(await sent('/plain', [line]), []);
    assert.equal(await sent(path, [line]), 'claim_mismatch');
  }
});
