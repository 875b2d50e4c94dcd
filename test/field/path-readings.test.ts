// Source: npm and S3 clients behind /health beside /: GET /@scope%2fname, keys with %2F %3F %23 and // were 400.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RouteConfig } from '../../src/config/config.ts';
import { explain } from '../../src/explain/explain.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Log } from '../../src/lib/log.ts';
import { configOf } from '../config/check.ts';
import { silentLog, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request } from '../support/wire.ts';

let origin: Origin;
before(async () => {
  origin = await Origin.start();
  origin.serve((head) => {
    const body = head.split('\r\n', 1)[0] as string;
    return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
});
after(() => origin.close());

const open = (path: string, more: Partial<RouteConfig> = {}): Partial<RouteConfig> => ({
  name: path,
  match: { host: undefined, path, methods: undefined },
  auth: 'none',
  ...more,
});
const guarded = (path: string): Partial<RouteConfig> => ({ ...open(path), auth: ['test'] });

async function statusOf(gateway: TestGateway, path: string, token?: string): Promise<number> {
  const authorization = token === undefined ? '' : `Authorization: ${token}\r\n`;
  const response = await request(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${authorization}\r\n`);
  if (response.status === 200) assert.equal(response.body, `GET ${path} HTTP/1.1`, 'as it was sent');
  return response.status;
}

const harmless = [
  '/@scope%2fname',
  '/bucket/a%2Fb',
  '/bucket/a%3Fb%23c',
  '/bucket//key',
  '/bucket/%2F%2Fkey',
  '/bucket/admin%2Fx',
  '/bucket/100%25',
  '/bucket/%2D%5F%7Ex',
  '/bucket/caf%C3%A9%2Fx',
  '/a;x=1',
  '/a;jsessionid=1/b',
  '//x',
  '/a.',
  '/a%20/b',
  '/administrator%2Fx',
];

describe('a public /health beside a guarded /', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway({ upstreamPort: origin.port, routes: [open('/health'), guarded('/')] });
  });
  after(() => gateway.close());

  for (const path of harmless) {
    test(`${path} is served with a token, and refused without one`, async () => {
      assert.deepEqual(
        [await statusOf(gateway, path, gateway.bearer()), await statusOf(gateway, path)],
        [200, 401],
      );
    });
  }

  for (const path of [
    ...[
      '/HEALTH',
      '/h%65alth',
      '//health',
      '/;x/health',
      '/health;x',
      '/health.',
      '/health%2Fx',
      '/%2Fhealth',
    ],
    ...['/x/..%2fhealth', '/health/../x', '/health/..%2Fx', '/health%3fx', '/%2e/health', '/./health//x'],
    ...['/health%23', '/health%20', '/health/%2e%2e;/x', '/%C7%A4/../health', '/%20%3B%2Fhealth', '/x%00'],
  ]) {
    test(`${path} stays refused`, async () => {
      assert.deepEqual(
        [await statusOf(gateway, path, gateway.bearer()), await statusOf(gateway, path)],
        [400, 400],
      );
    });
  }
});

describe('a guarded /admin beside a public /', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway({ upstreamPort: origin.port, routes: [open('/'), guarded('/admin')] });
  });
  after(() => gateway.close());

  test('a path that cannot be read as /admin is served', async () => {
    for (const path of harmless) assert.equal(await statusOf(gateway, path), 200, path);
  });

  test('a parameter with an encoded slash hides no segment from servers that cut it off first', async () => {
    for (const path of [
      ...['/;x%2fy/admin', '/;%2F/admin', '/;x%5cy/admin', '/;x\\y/admin', '/%3bx%2fy/admin'],
      // Fractions become digits around a slash by their compatibility form.
      ...['/.;x%2fy/admin', '/%20;x%2Fy/admin', '/;%C2%BD/admin', '/;a;b%2fc/admin/x'],
    ]) {
      assert.equal(await statusOf(gateway, path), 400, path);
    }
    for (const path of ['/a;b/c%2Fd', '/a%2Fb;c', '/x%2fy/admin', '/a;b/admin']) {
      assert.equal(await statusOf(gateway, path), 200, path);
    }
  });

  test('a path that can be read as /admin stays refused, and /admin itself needs a token', async () => {
    for (const path of [
      ...[
        '/ADMIN',
        '//admin',
        '/./admin',
        '/;/admin',
        '/x/../admin',
        '/x/..%2fadmin',
        '/%2Fadmin',
        '/admin;x',
      ],
      ...['/admin.', '/admin%2e', '/admin%20', '/adm%69n', '/%5Cadmin', '/admin::$data', '/admin~1', '/ad<'],
      ...['/%2561dmin', '/admin%00', '/..%2fx', '/%C2%ADadmin', '/\\admin', '/admin%3Bx', '/%c1%a1dmin'],
    ]) {
      assert.equal(await statusOf(gateway, path), 400, path);
    }
    assert.equal(await statusOf(gateway, '/admin/a%2Fb'), 401);
    assert.equal(await statusOf(gateway, '/admin/a%2Fb', gateway.bearer()), 200);
    assert.equal(await statusOf(gateway, '/admin/..%2fb', gateway.bearer()), 400);
  });
});

test('two spellings of one prefix are ambiguous below it too', async () => {
  const gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [open('/Api'), guarded('/api'), open('/caf%C3%A9'), guarded('/cafe'), open('/')],
  });
  try {
    for (const path of ['/Api/x', '/Api//x', '/Api/x%2Fy', '/Api/x;y', '/caf%C3%A9//x', '/caf%C3%A9/x%2Fy']) {
      assert.equal(await statusOf(gateway, path), 400, path);
    }
    assert.equal(await statusOf(gateway, '/api/x'), 400);
    assert.equal(await statusOf(gateway, '/b//x'), 200);
  } finally {
    await gateway.close();
  }
});

describe('routes with equal guards', () => {
  test('take every spelling', async () => {
    const gateway = await startGateway({
      upstreamPort: origin.port,
      routes: [open('/a'), open('/b'), open('/')],
    });
    try {
      for (const path of ['/A', '/x/../b', '/a%2F..%2Fb', '/%61', '/b/%00']) {
        assert.equal(await statusOf(gateway, path), 200, path);
      }
    } finally {
      await gateway.close();
    }
  });

  for (const [what, more] of [
    ['another forwarded header', { forward: { headers: new Map(), token: 'strip', forwarded: new Set() } }],
    [
      'another rule',
      { auth: ['test'], require: { scopes: { match: 'all', values: ['a'] }, roles: undefined, claims: [] } },
    ],
  ] as const satisfies readonly (readonly [string, Partial<RouteConfig>])[]) {
    test(`are not equal with ${what}`, async () => {
      const gateway = await startGateway({
        upstreamPort: origin.port,
        routes: [open('/'), open('/a', more)],
      });
      try {
        assert.equal(await statusOf(gateway, '/A'), 400);
        assert.equal(await statusOf(gateway, '/%2Fa'), 400);
        assert.equal(await statusOf(gateway, '/b%2Fa'), 200);
      } finally {
        await gateway.close();
      }
    });
  }

  test('a path beside which no route takes all cannot be left by climbing', async () => {
    const gateway = await startGateway({ upstreamPort: origin.port, routes: [open('/public')] });
    try {
      for (const path of ['/public/../x', '/public/..%2fx', '/public/..;/x', '/public/%2e./x']) {
        assert.equal(await statusOf(gateway, path), 400, path);
      }
      assert.equal(await statusOf(gateway, '/public/a%2Fb'), 200);
      assert.equal(await statusOf(gateway, '/other%2Fx'), 404);
    } finally {
      await gateway.close();
    }
  });
});

describe('paths: plain', () => {
  test('takes the paths sent for a route, and gives them to no other route', async () => {
    const gateway = await startGateway({
      upstreamPort: origin.port,
      routes: [open('/', { paths: 'plain' }), guarded('/admin')],
    });
    try {
      for (const path of ['/x/../admin', '/ADMIN', '//admin', '/x%00']) {
        assert.equal(await statusOf(gateway, path), 200, path);
      }
      assert.equal(await statusOf(gateway, '/admin/x'), 401);
      assert.equal(await statusOf(gateway, '/admin/..%2fx', gateway.bearer()), 400);
    } finally {
      await gateway.close();
    }
  });

  test('is a key of a route, for which check warns where it opens something', () => {
    const text = (paths: string, auth: string): string =>
      `listen: 127.0.0.1:8080\nissuers: { a: { issuer: https://a, audience: b, algorithms: [HS256], keys: { secret: "${'0123456789abcdefghijklmnopqrstuvwxyz'}" } } }\nroutes:\n- { match: { path: / }, auth: none, upstream: "http://h:1", paths: ${paths} }\n- { match: { path: /admin }, auth: ${auth}, upstream: "http://h:1" }\n`;
    const config = configOf(text('plain', 'a'));
    assert.equal(config.routes[0]?.paths, 'plain');
    assert.match(
      config.warnings.join('\n'),
      /f:4:\d+: routes\[0\]\.paths: plain: .* \/admin is let in as \/ is/,
    );
    assert.doesNotMatch(configOf(text('strict', 'a')).warnings.join('\n'), /paths/);
    assert.doesNotMatch(configOf(text('plain', 'none')).warnings.join('\n'), /paths: plain/);
    assert.throws(() => configOf(text('loose', 'a')), /routes\[0\]\.paths: .*must be strict or plain/);
  });
});

describe('the name of the rule', () => {
  const rows: readonly (readonly [path: string, rule: string])[] = [
    ['/x/..%2fadmin', 'encoded_slash'],
    ['/admin;x', 'parameter'],
    ['/ADMIN', 'spelling'],
    ['//admin', 'empty_segment'],
    ['/admin.', 'segment_end'],
    ['/x/../admin', 'dot_segment'],
    ['/x/%2e%2e/admin', 'dot_segment'],
    ['/adm%69n', 'encoded_letter'],
    ['/x\\admin/..', 'backslash'],
    ['/admin%3fx', 'encoded_delimiter'],
    ['/%2561dmin', 'double_encoding'],
    ['/admin%', 'broken_escape'],
    ['/admin%00', 'control'],
    ['/ad<', 'wildcard'],
    ['/admin~1', 'short_name'],
    ['/admin:$i30', 'stream'],
    ['/%C1%A1dmin', 'not_utf8'],
    ['/x%EF%BC%8Fadmin', 'lookalike'],
  ];

  test('stands in the access log, and in no other line', async () => {
    const lines: Record<string, unknown>[] = [];
    const log: Log = { ...silentLog, info: (line) => lines.push(line as Record<string, unknown>) };
    const gateway = await startGateway({
      upstreamPort: origin.port,
      routes: [open('/'), guarded('/admin')],
      log,
      config: { log: { level: 'info', access: 1 } },
    });
    try {
      for (const [path, rule] of [...rows, ['/plain', undefined] as const]) {
        const status = await statusOf(gateway, path);
        assert.deepEqual([status, lines.at(-1)?.['pathRule']], [rule === undefined ? 200 : 400, rule], path);
      }
    } finally {
      await gateway.close();
    }
  });

  test('is printed by explain', async () => {
    const config = configOf(
      'listen: 127.0.0.1:8080\nroutes:\n- { match: { path: / }, auth: none, upstream: "http://h:1" }\n- { match: { path: /admin }, auth: none, upstream: "http://g:1" }\n- { match: { path: /b, methods: [POST] }, auth: none, upstream: "http://g:1" }\n',
    );
    const rule = async (path: string, method = 'GET'): Promise<string | undefined> =>
      (
        await explain(
          config,
          { path, method, host: 'a', token: undefined },
          { offline: true, clock: systemClock },
        )
      ).pathRule;
    for (const [path, name] of rows) assert.equal(await rule(path), name, path);
    assert.equal(await rule('/plain'), undefined);
    assert.equal(await rule('/b', 'post'), 'method_case');
  });
});
