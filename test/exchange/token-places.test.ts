import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RouteConfig, TokenPlace } from '../../src/config/config.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request, type WireResponse } from '../support/wire.ts';

const places: readonly TokenPlace[] = [
  { kind: 'header', name: 'authorization', scheme: 'Bearer' },
  { kind: 'header', name: 'x-token', scheme: undefined },
  { kind: 'header', name: 'x-jwt', scheme: 'JWT' },
  { kind: 'cookie', name: 'access_token' },
  { kind: 'query', name: 'access_token' },
];
const route = (
  path: string,
  forwardToken: 'keep' | 'strip',
  token?: readonly TokenPlace[],
): Partial<RouteConfig> => ({
  name: path,
  match: { host: undefined, path, methods: undefined },
  forward: { headers: new Map([['X-User', 'sub']]), token: forwardToken, forwarded: new Set() },
  ...(token === undefined ? {} : { token }),
});

let origin: Origin;
let gateway: TestGateway;
/** Like `gateway`, with the replies of HAProxy's configuration. */
let walkThrough: TestGateway;
/** Whole request heads that reached upstream. */
let seen: string[] = [];
/** Every line in the logs of the gateways. */
const logged: string[] = [];
let response = '';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

before(async () => {
  origin = await Origin.start();
  origin.serve((text) => {
    seen.push(text);
    return response;
  });
  const write = (fields: object, message: string): void => {
    logged.push(JSON.stringify(fields) + message);
  };
  const options = {
    upstreamPort: origin.port,
    routes: [
      route('/keep', 'keep', places),
      route('/strip', 'strip', places),
      route('/header', 'keep'),
      route('/cookie', 'keep', [{ kind: 'cookie', name: 'access_token' }]),
      { ...route('/public', 'strip'), auth: 'none' as const },
    ],
    log: { debug: write, info: write, warn: write, error: write },
  };
  const log = { level: 'debug', access: 1 } as const;
  const limits = { requestHead: 256 * 1024 };
  gateway = await startGateway({ ...options, config: { log, limits } });
  walkThrough = await startGateway({ ...options, config: { log, limits, rejection: 'haproxy' } });
});

after(async () => {
  await gateway.close();
  await walkThrough.close();
  await origin.close();
});

const token = (of = gateway): string => of.bearer().slice('Bearer '.length);

async function send(
  target: string,
  lines: readonly string[],
  port = gateway.port,
  upstream = OK,
): Promise<WireResponse> {
  seen = [];
  response = upstream;
  return request(port, `${[`GET ${target} HTTP/1.1`, 'Host: a', ...lines].join('\r\n')}\r\n\r\n`);
}

/** The request that upstream received, without its Host line and the added identity. */
async function passed(target: string, lines: readonly string[]): Promise<readonly string[]> {
  const { status, body } = await send(target, lines);
  assert.equal(status, 200, body);
  const [text = ''] = seen;
  assert.ok(text.endsWith('\r\nX-User: user\r\n\r\n'), text);
  return text
    .slice(0, -'\r\nX-User: user\r\n\r\n'.length)
    .split('\r\n')
    .filter((line) => line !== 'host: a');
}

async function refused(target: string, lines: readonly string[]): Promise<string> {
  const { body, status } = await send(target, lines);
  assert.deepEqual(seen, [], 'nothing reaches upstream');
  assert.ok(status >= 400);
  return JSON.parse(body).code;
}

describe('a token is accepted from each place of its route', () => {
  for (let round = 0; round < 2; round += 1) {
    const known = round === 0 ? 'new' : 'known';
    test(`header with another name, ${known}`, async () => {
      const line = `x-token: ${token()}`;
      assert.deepEqual(await passed('/keep', [line]), ['GET /keep HTTP/1.1', line]);
      assert.deepEqual(await passed('/strip', [line]), ['GET /strip HTTP/1.1']);
    });

    test(`header with another scheme, ${known}`, async () => {
      const line = `x-jwt: jwt ${token()}`;
      assert.deepEqual(await passed('/keep', [line]), ['GET /keep HTTP/1.1', line]);
      assert.deepEqual(await passed('/strip', [line, 'X-Other: 1']), ['GET /strip HTTP/1.1', 'x-other: 1']);
    });

    test(`Authorization, ${known}`, async () => {
      const line = `authorization: Bearer ${token()}`;
      assert.deepEqual(await passed('/keep', [line]), ['GET /keep HTTP/1.1', line]);
      assert.deepEqual(await passed('/strip', [line]), ['GET /strip HTTP/1.1']);
    });

    test(`cookie, ${known}`, async () => {
      const line = `cookie: access_token=${token()}`;
      assert.deepEqual(await passed('/keep', [line]), ['GET /keep HTTP/1.1', line]);
      assert.deepEqual(await passed('/strip', [line]), ['GET /strip HTTP/1.1']);
    });

    test(`query, ${known}: it never goes upstream`, async () => {
      assert.deepEqual(await passed(`/keep?access_token=${token()}`, []), ['GET /keep HTTP/1.1']);
      assert.deepEqual(await passed(`/strip?access_token=${token()}`, []), ['GET /strip HTTP/1.1']);
    });
  }

  test('and not from other places', async () => {
    assert.equal(await refused('/header', [`X-Token: ${token()}`]), 'token_missing');
    assert.equal(await refused('/header', [`Cookie: access_token=${token()}`]), 'token_missing');
    assert.equal(await refused(`/header?access_token=${token()}`, []), 'token_missing');
  });

  test('elsewhere a token is ordinary text', async () => {
    const lines = ['Cookie: access_token=x; a=1', 'X-Token: y'];
    const { status } = await send('/public?access_token=z', lines);
    assert.equal(status, 200);
    assert.match(
      seen[0] ?? '',
      /^GET \/public\?access_token=z HTTP\/1\.1\r\nhost: a\r\ncookie: access_token=x; a=1\r\n/,
    );
    const bearer = `Authorization: ${gateway.bearer()}`;
    assert.deepEqual((await passed('/header?access_token=z', [bearer, ...lines])).slice(-2), [
      'cookie: access_token=x; a=1',
      'x-token: y',
    ]);
  });
});

describe('the rest of the field with the token goes upstream byte for byte', () => {
  const cookies: readonly (readonly [sent: string, kept: string | undefined])[] = [
    ['access_token=T', undefined],
    ['access_token=T;', undefined],
    ['a=1; access_token=T', 'a=1'],
    ['access_token=T; a=1', 'a=1'],
    ['a=1; access_token=T; b=2', 'a=1; b=2'],
    ['a=1;access_token=T;b="x y"', 'a=1;b="x y"'],
    ['a=1 ;  access_token = T ;  b=2;;c', 'a=1 ;  b=2;;c'],
    ['access_token2=x; Access_token=T; access-token=y; =z', 'access_token2=x; access-token=y; =z'],
  ];
  for (const [sent, kept] of cookies) {
    test(`Cookie: ${sent}`, async () => {
      const line = `cookie: ${sent.replace('T', token())}`;
      assert.deepEqual(await passed('/strip', [line]), [
        'GET /strip HTTP/1.1',
        ...(kept === undefined ? [] : [`cookie: ${kept}`]),
      ]);
      assert.deepEqual(await passed('/keep', [line]), ['GET /keep HTTP/1.1', line]);
    });
  }

  test('several Cookie fields', async () => {
    const lines = ['Cookie: a=1', `Cookie: access_token=${token()}`, 'X-A: 1', 'Cookie: b=2; c'];
    assert.deepEqual(await passed('/strip', lines), [
      'GET /strip HTTP/1.1',
      'cookie: a=1',
      'x-a: 1',
      'cookie: b=2; c',
    ]);
  });

  const queries: readonly (readonly [sent: string, kept: string])[] = [
    ['?access_token=T', ''],
    ['?access_token=T&', '?'],
    ['?a=1&access_token=T', '?a=1'],
    ['?access_token=T&a=1', '?a=1'],
    ['?a=%20+b&access_token=T&c;d=%zz&&e', '?a=%20+b&c;d=%zz&&e'],
    ['?%61ccess_token=T&a=1', '?a=1'],
    [
      '?access-token=x&access_token=T&access_token2=y&x=access_token',
      '?access-token=x&access_token2=y&x=access_token',
    ],
    ['?a=1?b&access_token=T&c=??', '?a=1?b&c=??'],
  ];
  for (const [sent, kept] of queries) {
    test(sent, async () => {
      for (const path of ['/keep', '/strip']) {
        assert.deepEqual(await passed(path + sent.replace(/=T(?=&|$)/, `=${token()}`), []), [
          `GET ${path}${kept} HTTP/1.1`,
        ]);
      }
    });
  }

  test('a query beside a token elsewhere', async () => {
    const line = `authorization: Bearer ${token()}`;
    for (const search of ['?', '?a=1;b', '?&&', '?access_tokens=x']) {
      assert.deepEqual(await passed(`/keep${search}`, [line]), [`GET /keep${search} HTTP/1.1`, line]);
    }
  });

  test('the Referer, whose URL had the token as well', async () => {
    for (const [sent, kept] of [
      ['https://a/b?access_token=T', 'https://a/b'],
      ['https://a/b?x=%20&access_token=T&y;z', 'https://a/b?x=%20&y;z'],
      ['https://a/access_token=T', 'https://a/access_token=T'],
      ['https://a/b?x=1&&', 'https://a/b?x=1&&'],
    ] as const) {
      const line = `authorization: Bearer ${token()}`;
      const lines = await passed('/keep', [line, `Referer: ${sent}`]);
      assert.deepEqual(lines, ['GET /keep HTTP/1.1', line, `referer: ${kept}`]);
    }
  });

  test('a header that is spelled with other separators is the same', async () => {
    assert.deepEqual(await passed('/strip', [`X_Token: ${token()}`]), ['GET /strip HTTP/1.1']);
  });
});

describe('attacks', () => {
  const rows: readonly (readonly [name: string, target: string, lines: readonly string[], code: string])[] = [
    ['two cookies', '/keep', ['Cookie: a=b; access_token=T; access_token=T'], 'authorization_ambiguous'],
    [
      'two Cookie fields',
      '/keep',
      ['Cookie: access_token=T', 'Cookie: access_token=T'],
      'authorization_ambiguous',
    ],
    [
      'a good and an empty cookie',
      '/keep',
      ['Cookie: access_token=T; access_token='],
      'authorization_ambiguous',
    ],
    ['an empty cookie', '/keep', ['Cookie: access_token='], 'token_malformed'],
    ['a cookie without =', '/keep', ['Cookie: access_token'], 'token_malformed'],
    ['a quoted cookie', '/keep', ['Cookie: access_token="T"'], 'token_malformed'],
    ['a cookie with a list', '/keep', ['Cookie: access_token=T, x=T'], 'token_malformed'],
    [
      'a cookie behind a comma',
      '/keep',
      ['Cookie: access_token=T, access_token=T'],
      'authorization_ambiguous',
    ],
    [
      'a cookie that PHP takes for it',
      '/keep',
      ['Cookie: access.token=x; access_token=T'],
      'authorization_ambiguous',
    ],
    ['a list of that name', '/keep?access_token=T&access_token[]=x', [], 'authorization_ambiguous'],
    ['an empty parameter', '/keep?access_token=', [], 'token_malformed'],
    ['a parameter without =', '/keep?access_token', [], 'token_malformed'],
    ['an escape in the value', '/keep?access_token=T%20', [], 'token_malformed'],
    ['a plus in the value', '/keep?access_token=+T', [], 'token_malformed'],
    ['Bearer in the value', '/keep?access_token=Bearer+T', [], 'token_malformed'],
    ['two parameters', '/keep?access_token=T&access_token=T', [], 'authorization_ambiguous'],
    ['a second one in escapes', '/keep?access_token=T&%61%63cess_token=T', [], 'authorization_ambiguous'],
    [
      'a second one behind a semicolon',
      '/keep?access_token=T&a;access_token=T',
      [],
      'authorization_ambiguous',
    ],
    ['one behind a semicolon', '/keep?a=1;access_token=T', [], 'token_malformed'],
    ['one before a semicolon', '/keep?access_token=T;a=1', [], 'token_malformed'],
    ['a token behind #', '/keep#access_token=T', [], 'request_malformed'],
    ['a token behind ?#', '/keep?#access_token=T', [], 'request_malformed'],
    ['a token in the path', '/keep;access_token=T', [], 'request_malformed'],
    ['a header twice', '/keep', ['X-Token: T', 'X-Token: T'], 'authorization_ambiguous'],
    ['a header in two spellings', '/keep', ['X-Token: T', 'X_TOKEN: T'], 'authorization_ambiguous'],
    ['a list in a header', '/keep', ['X-Token: T,T'], 'token_malformed'],
    ['an empty header', '/keep', ['X-Token:'], 'token_malformed'],
    [
      'Authorization and cookie',
      '/keep',
      ['Authorization: Bearer T', 'Cookie: access_token=T'],
      'authorization_ambiguous',
    ],
    [
      'Authorization and query',
      '/keep?access_token=T',
      ['Authorization: Bearer T'],
      'authorization_ambiguous',
    ],
    ['cookie and header', '/strip', ['X-Jwt: JWT T', 'Cookie: access_token=T'], 'authorization_ambiguous'],
    [
      'a broken header and a cookie',
      '/keep',
      ['Authorization: Bearer', 'Cookie: access_token=T'],
      'authorization_ambiguous',
    ],
    ['a forged token in a cookie', '/keep', ['Cookie: access_token=Tx'], 'token_malformed'],
    ['a token of no issuer in the query', '/keep?access_token=e30.e30.e30', [], 'algorithm_not_allowed'],
  ];
  for (const [name, target, lines, code] of rows) {
    test(`${name}: ${code}`, async () => {
      const valid = token();
      const filled = (text: string): string => text.replaceAll(/\bT(?=\b|x$)/g, valid);
      assert.equal(await refused(filled(target), lines.map(filled)), code);
    });
  }

  test('NUL in a cookie or query reaches no upstream', async () => {
    for (const bytes of [
      `GET /keep HTTP/1.1\r\nHost: a\r\nCookie: access_token=${token()}\0\r\n\r\n`,
      `GET /keep HTTP/1.1\r\nHost: a\r\nCookie: \0access_token=${token()}\r\n\r\n`,
      `GET /keep?access_token=${token()}\0 HTTP/1.1\r\nHost: a\r\n\r\n`,
    ]) {
      seen = [];
      const { status } = await request(gateway.port, bytes);
      assert.ok(status >= 400, String(status));
      assert.deepEqual(seen, []);
    }
  });

  test('huge queries and cookies are searched', async () => {
    const filler = '%61=1&'.repeat(2000);
    assert.deepEqual(await passed(`/keep?${filler}access_token=${token()}`, []), [
      `GET /keep?${filler.slice(0, -1)} HTTP/1.1`,
    ]);
    assert.equal(
      await refused(`/keep?access_token=${token()}&${filler}access_token=x`, []),
      'authorization_ambiguous',
    );
    const crumbs = 'a=1; '.repeat(2000);
    assert.deepEqual(await passed('/strip', [`Cookie: ${crumbs}access_token=${token()}; b=2`]), [
      'GET /strip HTTP/1.1',
      `cookie: ${crumbs}b=2`,
    ]);
    assert.equal(await refused(`/keep?access_token=${'a'.repeat(16_000)}`, []), 'token_malformed');
  });
});

describe('caches in between', () => {
  const ask = async (target: string, lines: readonly string[], headers: readonly string[]) => {
    const upstream = `HTTP/1.1 200 OK\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;
    const { status, fields } = await send(target, lines, gateway.port, upstream);
    assert.equal(status, 200);
    const kept = fields.filter(([name]) => !/^(date|content-length|connection)$/i.test(name));
    return kept.map((field) => field.join(': '));
  };

  test('learn that a response to a URL with a token is private, unless upstream has addressed them', async () => {
    const target = `/keep?access_token=${token()}`;
    for (let round = 0; round < 2; round += 1) {
      assert.deepEqual(await ask(target, [], ['Content-Length: 0']), ['Cache-Control: private']);
      assert.deepEqual(await ask(target, [], ['X-A: 1', 'Content-Length: 0', 'X-Cache-Control: b']), [
        'X-A: 1',
        'X-Cache-Control: b',
        'Cache-Control: private',
      ]);
      for (const spoken of ['Cache-Control: max-age=5', 'cache-control: no-store']) {
        assert.deepEqual(await ask(target, [], [spoken, 'Content-Length: 0']), [spoken]);
        assert.deepEqual(await ask(target, [], ['X-A: 1', spoken, 'Content-Length: 0']), ['X-A: 1', spoken]);
      }
    }
  });

  test('learn nothing else', async () => {
    const line = `Authorization: ${gateway.bearer()}`;
    assert.deepEqual(await ask('/keep?a=1', [line], ['Content-Length: 0']), []);
    assert.deepEqual(await ask('/header?access_token=x', [line], ['Content-Length: 0']), []);
  });
});

test('no line of the log has a token', async () => {
  const valid = token();
  const secret = 'c2VjcmV0-in-a-place';
  logged.length = 0;
  const requests = [valid, secret].flatMap((value) => [
    send(`/keep?access_token=${value}`, []),
    send(`/keep?a=1&%61ccess_token=${value}`, [`Referer: http://a/?access_token=${value}`]),
    send('/keep', [`Cookie: access_token=${value}`]),
    send('/keep', [`X-Token: ${value}`]),
    send(`/keep#access_token=${value}`, []),
  ]);
  await Promise.all(requests);
  const text = logged.join('\n');
  assert.equal(text.match(/"path":"\/keep"/g)?.length, 10, text);
  for (const part of [...valid.split('.'), secret, 'access_token']) assert.ok(!text.includes(part), part);
});

test('the replies of HAProxy stay the same, and other places have them too', async () => {
  const bearer = walkThrough.bearer();
  const rows = [
    ['/header', [], 'Missing Authorization HTTP header'],
    ['/keep', [], 'Missing Authorization HTTP header'],
    ['/header', ['Authorization: Basic x'], 'Unsupported JWT signing algorithm'],
    ['/keep', ['Authorization: Basic x'], 'Unsupported JWT signing algorithm'],
    ['/header', [`Authorization: ${bearer}`, `Authorization: ${bearer}`], 'Invalid JWT signature'],
    ['/keep', [`Authorization: ${bearer}`, `X-Token: ${token(walkThrough)}`], 'Invalid JWT signature'],
    ['/keep', [`X-Token: ${token(walkThrough)}x`], 'Invalid JWT signature'],
  ] as const;
  for (const [target, lines, message] of rows) {
    const { status, body } = await send(target, lines, walkThrough.port);
    assert.deepEqual([status, body], [403, message], target);
  }
  assert.equal((await send('/keep', [`X-Token: ${token(walkThrough)}`], walkThrough.port)).status, 200);
});

test('an Authorization header that is no place of the route is removed', async () => {
  const good = token();
  const lines = [`Cookie: access_token=${good}; a=b`, 'Authorization: Bearer e30.e30.e30', 'X-Token: kept'];
  assert.equal((await send('/cookie', lines)).status, 200);
  assert.equal(seen.length, 1);
  assert.doesNotMatch(seen[0] as string, /authorization/i);
  assert.match(seen[0] as string, /\r\nx-token: kept\r\n/);
  assert.ok(seen[0]?.includes(`\r\ncookie: access_token=${good}; a=b\r\n`));
  assert.match(seen[0] as string, /\r\nX-User: user\r\n/);
});
