import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ForwardConfig } from '../../src/config/config.ts';
import { parseNetwork } from '../../src/http/networks.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { Wire, type WireResponse } from '../support/wire.ts';

const PROXY = '127.0.0.8';
const STRANGER = '127.0.1.1';
/** Bytes that the gateway of these tests takes as the head of a response. */
const ANSWER_HEAD_BYTES = 1024;

let origin: Origin;
let gateway: TestGateway;
/** The last request head that upstream received, and upstream's response. */
let seen = '';
let nextResponse = '';

const path = (prefix: string) => ({ host: undefined, path: prefix, methods: undefined });
const forward = (changes: Partial<ForwardConfig> = {}): ForwardConfig => ({
  headers: new Map(),
  token: 'keep',
  forwarded: new Set(),
  ...changes,
});

before(async () => {
  origin = await Origin.start();
  origin.serve((text) => {
    seen = text;
    return nextResponse;
  });
  const network = parseNetwork('127.0.0.0/24');
  assert.ok(!('right' in network));
  gateway = await startGateway({
    upstreamPort: origin.port,
    config: { trustedProxies: [network], limits: { responseHead: ANSWER_HEAD_BYTES } },
    routes: [
      { name: '/public', match: path('/public'), auth: 'none', forward: forward() },
      {
        name: '/told',
        match: path('/told'),
        auth: 'none',
        forward: forward({ forwarded: new Set(['host']) }),
      },
      {
        name: '/private',
        match: path('/private'),
        forward: forward({
          headers: new Map([
            ['X-User-Id', 'sub'],
            ['X-Forwarded-User', 'sub'],
          ]),
        }),
      },
    ],
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

async function ask(target: string, lines: readonly string[], from = STRANGER): Promise<WireResponse> {
  nextResponse ||= 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  seen = '';
  const wire = await Wire.open(gateway.port, '127.0.0.1', from);
  try {
    wire.send(`${[`GET ${target} HTTP/1.1`, 'Host: a.example', ...lines].join('\r\n')}\r\n\r\n`);
    return await wire.response();
  } finally {
    wire.close();
    nextResponse = '';
  }
}

/** Headers that upstream received besides Host. */
async function got(target: string, lines: readonly string[], from = STRANGER): Promise<string[]> {
  assert.equal((await ask(target, lines, from)).status, 200);
  return seen.trimEnd().split('\r\n').slice(2);
}

/** Header lines of a response without those that the gateway writes. */
async function forwardedLines(...lines: string[]): Promise<string[]> {
  nextResponse = `${['HTTP/1.1 200 OK', ...lines, 'Content-Length: 2'].join('\r\n')}\r\n\r\nok`;
  const { status, fields } = await ask('/public', []);
  assert.equal(status, 200);
  const ours = ['date', 'content-length'];
  return fields.filter(([name]) => !ours.includes(name.toLowerCase())).map((field) => field.join(': '));
}

const marks = [..."!#$%&'*+-.^_`|~"];

test('no other separator in a header name makes an identity header another one', async () => {
  const bearer = gateway.bearer();
  const forged = marks.flatMap((mark) =>
    ['X-User-Id', 'x-USER-id', 'X-Forwarded-User'].flatMap((name) => [
      `${name.replaceAll('-', mark)}: forged`,
      `${name.replace('-', mark)}: forged`,
    ]),
  );
  const ours = ['X-User-Id: user', 'X-Forwarded-User: user'];
  for (const from of [STRANGER, PROXY]) {
    assert.deepEqual(await got('/public', [...forged, 'X-A: 1'], from), ['x-a: 1']);
    assert.deepEqual(
      await got('/private', [`Authorization: ${bearer}`, 'Connection: x-forwarded-user', ...forged], from),
      [`authorization: ${bearer}`, ...ours],
    );
  }
});

describe('the rest of the X-Forwarded family', () => {
  const family = [
    'X-Forwarded-Client-Cert: Hash=0',
    'X-Forwarded-Email: a@b.example',
    'X-Forwarded-Uri: /admin',
    'X-Forwarded-New-In-2030: 1',
  ];
  const inLowerCase = family.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
  const others = ['x-forwardedness: 1', 'x-forwarde: 1', 'xx-forwarded-email: 1', 'x-for: 1', 'x: 1'];

  for (const target of ['/public', '/told']) {
    const told = target === '/told' ? ['x-forwarded-host: a.example'] : [];

    test(`of a client is removed on ${target}, in any spelling`, async () => {
      const spelled = family.flatMap((line) => [
        line.replaceAll(/-(?=.*:)/g, '_'),
        line.toUpperCase().replace('-', '.'),
      ]);
      assert.deepEqual(await got(target, [...family, 'X-Forwarded: for=1.2.3.4', ...spelled, ...others]), [
        ...others,
        ...told,
      ]);
    });

    test(`of a trusted proxy goes upstream on ${target}, even if its client names it in Connection`, async () => {
      assert.deepEqual(await got(target, family, PROXY), [...inLowerCase, ...told]);
      const named = 'Connection: x-forwarded-email, X-Forwarded-Client-Cert, x-for';
      assert.deepEqual(await got(target, [named, ...family, 'X-For: 1'], PROXY), [...inLowerCase, ...told]);
    });

    test(`in another spelling is no proxy’s on ${target}`, async () => {
      const spelled = ['X_Forwarded_Email: 1', 'X-Forwarded_Email: 1', 'X-Forwarded.Email: 1'];
      const odd = ['X-Forwarded: 1', 'X-Forwarded-: 1', 'X-Forwarded--Email: 1', 'X-Forwarded-Email-: 1'];
      assert.deepEqual(await got(target, [...spelled, ...odd], PROXY), told);
    });
  }
});

test('X-Forwarded-Host is taken from each request', async () => {
  const wire = await Wire.open(gateway.port, '127.0.0.1', STRANGER);
  try {
    for (const host of ['a.example', 'b.example', 'b.example:80', 'a.example']) {
      nextResponse = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      wire.send(`GET /told HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assert.equal((await wire.response()).status, 200);
      assert.deepEqual(seen.trimEnd().split('\r\n').slice(1), [`host: ${host}`, `x-forwarded-host: ${host}`]);
    }
  } finally {
    wire.close();
  }
});

describe('letters whose low bytes are CR, LF and NUL', () => {
  const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
  for (const letters of ['\u010d\u010a', '\u560d\u560a', '\u0100', '\u0085', '\u2028\u2029', '\ufeff']) {
    const value = latin1(`a${letters}X-Admin: 1`);

    test(`${JSON.stringify(letters)} goes upstream byte for byte`, async () => {
      assert.deepEqual(await got('/public', [`X-A: ${value}`]), [`x-a: ${value}`]);
    });

    test(`${JSON.stringify(letters)} goes to the client byte for byte, also at the edges`, async () => {
      const lines = [`X-A: ${value}`, `X-B: ${latin1(letters)}`, `Set-Cookie: a=${latin1(letters)}`];
      assert.deepEqual(await forwardedLines(...lines), lines);
    });
  }
});

describe('headers of a response', () => {
  for (const name of [
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authentication-Info',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Upgrade',
  ]) {
    test(`${name} is not forwarded, in any case`, async () => {
      assert.deepEqual(
        await forwardedLines(`${name}: x`, 'A: 1', `${name.toUpperCase()}: y`, `${name}s: kept`),
        ['A: 1', `${name}s: kept`],
      );
    });
  }

  test('many Set-Cookie stay separate lines, between others and alone', async () => {
    for (const lines of [
      ['Set-Cookie: a=1', 'set-cookie: a=1', 'SET-COOKIE: b=2, c=3'],
      ['Set-Cookie:a=1', 'X-A:1', 'Set-Cookie:  b=2'],
    ]) {
      assert.deepEqual(
        await forwardedLines(...lines),
        lines.map((line) => line.replace(/: */, ': ')),
      );
    }
  });
});

describe('limits.responseHead', () => {
  const start = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Long: ';
  const longest = 'a'.repeat(ANSWER_HEAD_BYTES - start.length - 4);

  test('a head of exactly that size is carried', async () => {
    nextResponse = `${start}${longest}\r\n\r\nok`;
    const response = await ask('/public', []);
    assert.deepEqual([response.status, response.headers.get('x-long')], [200, longest]);
  });

  test('one byte more is 502', async () => {
    nextResponse = `${start}${longest}a\r\n\r\nok`;
    const response = await ask('/public', []);
    assert.equal(response.status, 502);
    assert.equal(JSON.parse(response.body).code, 'upstream_invalid_response');
    assert.equal(response.headers.has('x-long'), false);
  });
});
