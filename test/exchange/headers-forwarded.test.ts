import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { parseNetwork } from '../../src/http/networks.ts';
import { testScheme } from '../support/engine.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

const PROXY = '127.0.0.8';
const STRANGER = '127.0.1.1';
const trustedProxies = ['127.0.0.0/24', '2001:db8::/32'].map((text) => {
  const network = parseNetwork(text);
  assert.ok(!('right' in network));
  return network;
});

let origin: Origin;
let gateway: TestGateway;
/** The last request head that upstream received. */
let seen = '';

const path = (prefix: string) => ({ host: undefined, path: prefix, methods: undefined });
const told = (...forwarded: ('for' | 'proto' | 'host')[]) => ({
  headers: new Map(),
  token: 'keep' as const,
  forwarded: new Set(forwarded),
});
const start = (config: Partial<Config>) =>
  startGateway({
    upstreamPort: origin.port,
    config,
    routes: [
      { name: '/', match: path('/'), auth: 'none' },
      { name: '/proto', match: path('/proto'), auth: 'none', forward: told('proto') },
      { name: '/none', match: path('/none'), auth: 'none', forward: told() },
    ],
  });

before(async () => {
  origin = await Origin.start();
  origin.serve((text) => {
    seen = text;
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
  gateway = await start({ trustedProxies });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

/** Headers that upstream received besides Host from a client at this address. */
async function got(
  from: string,
  lines: readonly string[],
  target = '/',
  port = gateway.port,
): Promise<string[]> {
  const wire = await Wire.open(port, '127.0.0.1', from);
  try {
    wire.send(`${[`GET ${target} HTTP/1.1`, 'Host: a.example', ...lines].join('\r\n')}\r\n\r\n`);
    assert.equal((await wire.response()).status, 200);
    return seen.trimEnd().split('\r\n').slice(2);
  } finally {
    wire.close();
  }
}

const lines = (address: string, proto = testScheme, host = 'a.example'): string[] => [
  `x-forwarded-for: ${address}`,
  `x-forwarded-proto: ${proto}`,
  `x-forwarded-host: ${host}`,
];

const said = ['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: b.example:8443'];

describe('a trusted proxy', () => {
  test('is believed, and its own address is added', async () => {
    assert.deepEqual(await got(PROXY, said), lines(`203.0.113.7, ${PROXY}`, 'https', 'b.example:8443'));
  });

  test('that sends no such header is treated as a client', async () => {
    assert.deepEqual(await got(PROXY, []), lines(PROXY));
  });

  test('may send some of them', async () => {
    assert.deepEqual(await got(PROXY, ['X-Forwarded-Proto: https']), lines(PROXY, 'https'));
  });

  test('may name several hops', async () => {
    assert.deepEqual(
      await got(PROXY, ['X-Forwarded-For: 198.51.100.1,2001:db8::7, 203.0.113.7:80']),
      lines(`198.51.100.1, 2001:db8::7, 203.0.113.7:80, ${PROXY}`),
    );
  });

  test('that adds its own line is understood', async () => {
    assert.deepEqual(
      await got(PROXY, ['X-Forwarded-For: 198.51.100.1', 'X-A: 1', 'X-Forwarded-For: 203.0.113.7']),
      ['x-a: 1', ...lines(`198.51.100.1, 203.0.113.7, ${PROXY}`)],
    );
  });

  test('that passes malformed text on is believed in what it added after it', async () => {
    assert.deepEqual(
      await got(PROXY, ['X-Forwarded-For: "><script>, 127.0.0.1;, 203.0.113.7']),
      lines(`203.0.113.7, ${PROXY}`),
    );
  });

  for (const [name, unclear] of [
    ['two protocols', ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: https']],
    ['a protocol list', ['X-Forwarded-Proto: https, http']],
    ['another protocol', ['X-Forwarded-Proto: gopher']],
    ['two hosts', ['X-Forwarded-Host: b.example', 'X-Forwarded-Host: c.example']],
    ['a host that is none', ['X-Forwarded-Host: b.example/x?y']],
    ['a host out of other letters', ['X-Forwarded-Host: b\xc3\xa9b.example']],
    ['no address', ['X-Forwarded-For: b.example']],
    ['nothing', ['X-Forwarded-For:', 'X-Forwarded-Proto:', 'X-Forwarded-Host:']],
    ['another spelling', ['X_Forwarded_For: 203.0.113.7', 'X-Forwarded.Proto: https']],
  ] as const) {
    test(`is not believed in ${name}`, async () => {
      assert.deepEqual(await got(PROXY, unclear), lines(PROXY));
    });
  }

  test('keeps its effect when the client names its header in Connection', async () => {
    const named = 'Connection: x-forwarded-for, X-Forwarded-Proto, x-forwarded-host';
    assert.deepEqual(
      await got(PROXY, [named, ...said]),
      lines(`203.0.113.7, ${PROXY}`, 'https', 'b.example:8443'),
    );
  });

  test('has no effect through any other header of the family', async () => {
    const others = [
      'Forwarded: for=203.0.113.7;proto=https',
      'X-Forwarded-Port: 443',
      'X-Forwarded-Prefix: /x',
      'X-Forwarded-Server: x',
      'X-Forwarded-Scheme: https',
      'X-Forwarded-Protocol: ssl',
      'X_Forwarded_Ssl: on',
    ];
    assert.deepEqual(await got(PROXY, others), lines(PROXY));
    assert.deepEqual(await got(PROXY, [...others, ...said], '/none'), []);
  });

  test('is heard only in what a route sends upstream', async () => {
    assert.deepEqual(await got(PROXY, said, '/proto'), ['x-forwarded-proto: https']);
  });

  test('counts for one request only, and never for a stranger beside it', async () => {
    const proxy = await Wire.open(gateway.port, '127.0.0.1', PROXY);
    const ask = async (more: string): Promise<string[]> => {
      proxy.send(`GET / HTTP/1.1\r\nHost: a.example\r\n${more}\r\n`);
      assert.equal((await proxy.response()).status, 200);
      return seen.trimEnd().split('\r\n').slice(2);
    };
    for (const client of ['203.0.113.1', '203.0.113.2']) {
      assert.deepEqual(await ask(`X-Forwarded-For: ${client}\r\n`), lines(`${client}, ${PROXY}`));
      assert.deepEqual(await got(STRANGER, said), lines(STRANGER));
      assert.deepEqual(await ask(''), lines(PROXY));
    }
    proxy.close();
  });
});

describe('a client that is not trusted', () => {
  test('is not believed', async () => {
    assert.deepEqual(await got(STRANGER, said), lines(STRANGER));
    assert.deepEqual(await got(STRANGER, said, '/proto'), [`x-forwarded-proto: ${testScheme}`]);
    assert.deepEqual(await got(STRANGER, said, '/none'), []);
  });
});

test('an IPv4 proxy that connects to an IPv6 socket is an IPv4 proxy', async () => {
  const dual = await start({ trustedProxies, listen: [{ host: '::', port: 0 }] });
  try {
    assert.deepEqual(
      await got(PROXY, said, '/', dual.port),
      lines(`203.0.113.7, ${PROXY}`, 'https', 'b.example:8443'),
    );
    assert.deepEqual(await got(STRANGER, said, '/', dual.port), lines(STRANGER, 'http'));
  } finally {
    await dual.close();
  }
});
