import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { secondsFromNow } from '../support/tokens.ts';
import { request, Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

before(async () => {
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    issuer: { require: ['tenant'] },
    config: { realm: 'the realm' },
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

const get = (...lines: string[]): string =>
  `${['GET /x HTTP/1.1', 'Host: a.example', ...lines].join('\r\n')}\r\n\r\n`;
const invalid = (text: string): string =>
  `Bearer realm="the realm", error="invalid_token", error_description="${text}"`;

type Row = readonly [
  name: string,
  lines: () => string[],
  status: number,
  code: string,
  challenge: string | undefined,
];

const rows: readonly Row[] = [
  ['no Authorization', () => [], 401, 'token_missing', 'Bearer realm="the realm"'],
  ['another scheme', () => ['Authorization: Basic eDp5'], 401, 'token_missing', 'Bearer realm="the realm"'],
  [
    'a broken token',
    () => ['Authorization: Bearer a.b'],
    401,
    'token_malformed',
    invalid('The token is malformed'),
  ],
  [
    'two Authorization headers',
    () => [`Authorization: ${gateway.bearer({ tenant: 1 })}`, 'Authorization: Bearer x'],
    400,
    'authorization_ambiguous',
    'Bearer realm="the realm", error="invalid_request", error_description="The request carries more than one token or Authorization header"',
  ],
  [
    'an expired token',
    () => [`Authorization: ${gateway.bearer({ tenant: 1, exp: secondsFromNow(-5) })}`],
    401,
    'token_expired',
    invalid('The token has expired'),
  ],
  [
    'a token of the future',
    () => [`Authorization: ${gateway.bearer({ tenant: 1, nbf: secondsFromNow(100) })}`],
    401,
    'token_not_yet_valid',
    invalid('The token is not valid yet'),
  ],
  [
    'another issuer',
    () => [`Authorization: ${gateway.bearer({ tenant: 1, iss: 'https://evil.example' })}`],
    401,
    'issuer_mismatch',
    invalid('The issuer of the token is not accepted'),
  ],
  [
    'another audience',
    () => [`Authorization: ${gateway.bearer({ tenant: 1, aud: 'others' })}`],
    401,
    'audience_mismatch',
    invalid('The token is meant for another audience'),
  ],
  [
    'a missing claim',
    () => [`Authorization: ${gateway.bearer()}`],
    401,
    'claim_missing',
    invalid('The token lacks a required claim'),
  ],
  [
    'a wrong signature',
    () => {
      const bearer = gateway.bearer({ tenant: 1 });
      const at = bearer.lastIndexOf('.') + 10;
      return [
        `Authorization: ${bearer.slice(0, at)}${bearer[at] === 'A' ? 'B' : 'A'}${bearer.slice(at + 1)}`,
      ];
    },
    401,
    'signature_invalid',
    invalid('The signature of the token is not valid'),
  ],
];

/** A request that two readers could read in two ways ends its connection. */
const closes = (status: number): boolean => status === 400;

describe('a reply', () => {
  for (const [name, lines, status, code, challenge] of rows) {
    test(`${name}: ${status} ${code}`, async () => {
      let wire = await Wire.open(gateway.port);
      for (let again = 0; again < 2; again += 1) {
        const before = (await gateway.outcomes())[code] ?? 0;
        wire.send(get(...lines()));
        const response = await wire.response();
        assert.equal(response.status, status);
        assert.equal(response.headers.get('content-type'), 'application/problem+json');
        assert.equal(response.headers.get('www-authenticate'), challenge);
        assert.equal(response.headers.get('connection'), closes(status) ? 'close' : undefined);
        const body = JSON.parse(response.body);
        assert.deepEqual(Object.keys(body).sort(), ['code', 'status', 'title', 'type']);
        assert.deepEqual([body.code, body.status], [code, status]);
        assert.equal((await gateway.outcomes())[code], before + 1);
        if (!closes(status)) continue;
        assert.equal(await wire.untilClosed(), '');
        wire = await Wire.open(gateway.port);
      }
      wire.close();
      assert.equal(origin.accepted, 0);
    });

    test(`${name}, to HEAD: the same head and no body`, async () => {
      const wire = await Wire.open(gateway.port);
      wire.send(get(...lines()).replace('GET', 'HEAD'));
      const response = await wire.response({ toHead: true });
      assert.equal(response.status, status);
      assert.equal(response.headers.get('www-authenticate'), challenge);
      assert.match(response.headers.get('content-length') ?? '', /^[1-9]\d+$/);
      // The next response follows the head, and nothing else.
      if (closes(status)) {
        assert.equal(await wire.untilClosed(), '');
        return;
      }
      wire.send(get());
      assert.match((await wire.response()).raw, /^HTTP\/1\.1 401 /);
      wire.close();
    });
  }

  test('a refused upload does not become the next request', async () => {
    const wire = await Wire.open(gateway.port);
    const body = 'GET /evil HTTP/1.1\r\nHost: a.example\r\n\r\n';
    wire.send(`POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n`);
    assert.equal((await wire.response()).status, 401);
    wire.send(body);
    wire.send(get());
    assert.equal((await wire.response()).status, 401);
    assert.equal(wire.pending, '');
    wire.close();
  });

  test('rejection: haproxy replies 403 with its text, but framing faults keep their status', async () => {
    const other = await startGateway({ upstreamPort: origin.port, config: { rejection: 'haproxy' } });
    try {
      const response = await request(other.port, get());
      assert.equal(response.status, 403);
      assert.equal(response.headers.get('content-type'), 'text/html');
      assert.equal(response.headers.get('www-authenticate'), undefined);
      assert.equal(response.body, 'Missing Authorization HTTP header');
      const malformed = await request(other.port, get('Content-Length:'));
      assert.equal(malformed.status, 400);
    } finally {
      await other.close();
    }
  });
});
