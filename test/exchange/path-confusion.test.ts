import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { byEngine } from '../support/engine.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { request } from '../support/wire.ts';
import { readingsOf } from './path-readings.ts';

/** Concurrent requests. */
const CLIENTS = 16;

const slashes = [
  ...['/', '//', '/./', ';/', ';x=1/', '/;/', '\\', '%5c', '%5C', '%2f', '%2F', '%252f', '%255c', '%25252f'],
  ...[
    '%c0%af',
    '%e0%80%af',
    '%f0%80%80%af',
    '%c1%9c',
    '%ef%bc%8f',
    '%EF%BC%BC',
    '%u002f',
    '%u2215',
    '%uff0f',
  ],
  ...['%e2%81%84', '%E2%88%95', '%e2%88%96', '%c2%a5', '%E2%82%A9', '%00/', '%20/', './', '/%2e/', '%09/'],
];
const parents = [
  ...[
    '..',
    '%2e%2e',
    '%2E.',
    '.%2e',
    '%252e%252e',
    '%c0%ae%c0%ae',
    '%e0%80%ae.',
    '%f0%80%80%ae.',
    '..;',
    '..;x=1',
  ],
  ...[
    '..%3b',
    '%ef%bc%8e%ef%bc%8e',
    '%e2%80%a4.',
    '%e2%80%a5',
    '%u002e.',
    '..%20',
    '...',
    '..%00',
    '.%0a.',
    '..%7f',
  ],
  ...['.%e2%80%8d.', '.%c2%ad.', '..%cc%81', '%ef%b9%92.'],
];
const admins = [
  ...['admin', 'Admin', 'ADMIN', '%61dmin', 'adm%69n', '%41dmin', '%2561dmin', '%25%36%31dmin', '%c1%a1dmin'],
  ...[
    '%e0%81%a1dmin',
    '%ef%bd%81dmin',
    '%EF%BC%A1DMIN',
    '%u0061dmin',
    '%c3%a1dmin',
    'a%cc%81dmin',
    '%c4%81dmin',
  ],
  ...['adm%c4%b1n', 'ad%e2%80%8dmin', 'ad%00min', 'ad%c2%admin', '%20admin', '%c2%a0admin', 'admin~1', 'ad<'],
];
const ends = [
  ...[
    '',
    '/',
    '/users',
    '.',
    '...',
    '%2e',
    '%20',
    '.%20',
    '%20./users',
    ';',
    ';x=1',
    ';/users',
    '%3b',
    '%00',
  ],
  ...[
    '%00.css',
    '%0a',
    '%0d%0ax',
    '%3f',
    '%23',
    '%3Fx.css',
    '::$data',
    ':$i30:$INDEX_ALLOCATION/users',
    '%c2%a0',
  ],
  ...[
    '%c2%85',
    '%e2%80%8b',
    '%e3%80%80',
    '%ef%bb%bf',
    '/..%2fadmin',
    '?x=/public',
    '"',
    '%2fusers',
    '\\users',
  ],
];
const starts = [
  '/',
  '//',
  '/./',
  '/x/../',
  '/x/%2e%2e/',
  '/;x/',
  '/%20/',
  '/\\',
  '/%2f',
  '/%5c',
  '/x/..;/',
  '/.;/',
];
const harmless = [
  ...['/caf%C3%A9/a%20b', '/x/Y/z', '/a.b/c..d', '/.well-known/x', '/%F0%9F%91%A9', "/(a,b)/c=d&e:f@g!*'$"],
  ...[
    '/a%40b',
    '/%5Bx%5D',
    '/~user/$metadata',
    '/x?y=/../admin;//%2e',
    '/Administrator',
    '/foo_1.0~1.deb',
    '/x/',
  ],
];

function product(...lists: readonly (readonly string[])[]): readonly string[] {
  return lists.reduce<readonly string[]>(
    (heads, list) => heads.flatMap((head) => list.map((rest) => head + rest)),
    [''],
  );
}

const within = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);
const pathOf = (target: string): string => target.split('?', 1)[0] as string;

interface Setting {
  readonly name: string;
  readonly open: string;
  readonly closed: string;
  /** Whether a path, read literally, needs a token. */
  readonly isProtected: (path: string) => boolean;
  readonly spellings: readonly string[];
  readonly pieces: readonly (readonly string[])[];
  readonly harmless: readonly string[];
}

const settings: readonly Setting[] = [
  {
    name: 'public /public, protected /',
    open: '/public',
    closed: '/',
    isProtected: (path) => !within(path, '/public'),
    spellings: [
      ...product(['/public'], slashes, parents, ['/admin', '']),
      ...product(['/public/'], parents, slashes, ['admin']),
      ...product(['/public/x/'], parents, ['/'], parents, ['/admin']),
    ],
    pieces: [['/public'], slashes, parents, slashes, admins, ends],
    harmless: harmless.map((path) => `/public${path}`),
  },
  {
    name: 'public /, protected /admin',
    open: '/',
    closed: '/admin',
    isProtected: (path) => within(path, '/admin'),
    spellings: [
      ...product(starts, admins, ends.slice(0, 16)),
      ...product(['/'], admins, ends),
      ...product(['/x'], slashes, parents, slashes.slice(0, 8), ['admin']),
    ],
    pieces: [starts, admins, ends, slashes, ['', 'x']],
    harmless,
  },
];

let upstream: Server;
let upstreamPort: number;
const reached: string[] = [];

before(async () => {
  // A server that reads the path in every known way, and reports its readings.
  upstream = createServer((incoming, response) => {
    const target = incoming.url as string;
    reached.push(target);
    response.end(JSON.stringify({ target, readings: [...readingsOf(pathOf(target))] }));
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  upstreamPort = (upstream.address() as AddressInfo).port;
});

after(() => {
  upstream.close();
  upstream.closeAllConnections();
});

/** Outcome of a request without a token: the path that upstream read, or the status of the refusal. */
async function visit(port: number, target: string, path = target): Promise<readonly string[] | number> {
  const response = await request(port, `GET ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
  if (response.status !== 200) return response.status;
  const reading = JSON.parse(response.body) as { target: string; readings: string[] };
  assert.equal(reading.target, path, 'forwarded as sent');
  return reading.readings;
}

for (const setting of settings) {
  describe(setting.name, () => {
    const { isProtected, harmless, spellings, pieces } = setting;
    let gateway: TestGateway;

    before(async () => {
      const route = (path: string) => ({ name: path, match: { host: undefined, path, methods: undefined } });
      gateway = await startGateway({
        upstreamPort,
        routes: [{ ...route(setting.open), auth: 'none' }, route(setting.closed)],
      });
    });

    after(async () => {
      await gateway.close();
    });

    /** True when the request was forwarded; every reader must give a forwarded path the same meaning. */
    async function passes(target: string): Promise<boolean> {
      const seen = await visit(gateway.port, target);
      if (typeof seen === 'number') {
        const literally = isProtected(pathOf(target));
        assert.ok(seen === 400 || (seen === 401 && literally), `${target} was answered with ${seen}`);
        return false;
      }
      assert.deepEqual(seen.filter(isProtected), [], `${target} got through`);
      return true;
    }

    test('no spelling of a protected path gets through', async (context) => {
      const targets = [...new Set(spellings)];
      // Paths that a gateway which only compared prefixes would let through to a protected path.
      const dangerous = targets.filter((target) => {
        const path = pathOf(target);
        return !isProtected(path) && [...readingsOf(path)].some(isProtected);
      });
      assert.ok(dangerous.length >= 500, `only ${dangerous.length} of ${targets.length} are dangerous`);
      const before = reached.length;
      let through = 0;
      const queue = targets.values();
      await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          for (const target of queue) if (await passes(target)) through += 1;
        }),
      );
      assert.equal(reached.length - before, through);
      context.diagnostic(`${targets.length} spellings, ${dangerous.length} dangerous, ${through} harmless`);
    });

    test('no combination of tricks does', async () => {
      const target = fc
        .tuple(...pieces.map((list) => fc.constantFrom(...list)))
        .map((parts) => parts.join(''));
      await fc.assert(
        fc.asyncProperty(target, async (text) => {
          await passes(text);
        }),
        { numRuns: 400 },
      );
    });

    test('harmless paths pass, byte for byte', async () => {
      for (const target of harmless) assert.equal(await passes(target), true, target);
    });

    test('a protected path is protected in its plain spelling', async () => {
      for (const target of ['/admin', '/admin/', '/admin/users', '/admin?x=/public', '/admin/a%20b']) {
        assert.equal(await visit(gateway.port, target), 401, target);
      }
    });

    test('a target that is no path is refused', async () => {
      const before = reached.length;
      const absolute = ['http://a.example/admin', 'http://a.example/public'];
      const others = [
        'http://b.example/public',
        'https://a.example/public',
        'http:/public',
        '*',
        'admin',
        '?/public',
      ];
      for (const target of byEngine('absolute form', { uws: [...absolute, ...others], node: others })) {
        assert.ok([400, 505].includes((await visit(gateway.port, target)) as number), target);
      }
      assert.equal(reached.length, before);
    });

    test('the absolute form of a target is judged as its path is, or refused', async () => {
      const isServed = byEngine('absolute form', { uws: false, node: true });
      const targets = ['/admin', '/admin/', '/admin?x=/public', ...harmless, ...spellings.slice(0, 300)];
      for (const target of targets.filter((text) => text.startsWith('/'))) {
        const seen = await visit(gateway.port, `http://a.example${target}`, target);
        if (!isServed) assert.equal(seen, 505, target);
        else assert.deepEqual(seen, await visit(gateway.port, target), target);
      }
    });
  });
}

test('with one route for all paths every spelling is carried unchanged', async () => {
  const gateway = await startGateway({ upstreamPort, routes: [{ auth: 'none' }] });
  try {
    for (const target of ['/a/../b', '/a//b', '/%2e%2e/', '/a;b', '/a\\b', '/%61', '/%', '/A%00', '/a.']) {
      assert.equal(typeof (await visit(gateway.port, target)), 'object', target);
    }
  } finally {
    await gateway.close();
  }
});

test('methods are distinguished by case', async () => {
  const match = { host: undefined, path: '/' };
  const gateway = await startGateway({
    upstreamPort,
    routes: [
      { name: 'read', match: { ...match, methods: undefined }, auth: 'none' },
      { name: 'write', match: { ...match, methods: ['POST'] } },
    ],
  });
  try {
    for (const [method, status] of [
      ['POST', 401],
      ['post', 400],
      ['Post', 400],
      ['GET', 200],
    ] as const) {
      const response = await request(gateway.port, `${method} / HTTP/1.1\r\nHost: a.example\r\n\r\n`);
      assert.equal(response.status, status, method);
      // The upstream of this test refuses such methods too; the reply has to be the gateway's.
      assert.equal(response.body.includes('request_malformed'), status === 400, method);
    }
  } finally {
    await gateway.close();
  }
});
