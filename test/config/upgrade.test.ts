import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { engineOf } from '../../src/front/engine-of.ts';
import { configOf, faultsOf } from './check.ts';

const fileOf = (keys: string, listen = '127.0.0.1:1', server = 'http://a'): string =>
  `listen: ${listen}\nupstreams: { app: { servers: [${server}] } }\nroutes: [{ match: { path: / }, auth: none, upstream: app, ${keys} }]\n`;

function engines({ listen }: Config): readonly string[] {
  return listen.map((address) => {
    const { engine, reason } = engineOf(address, undefined);
    return `${engine} ${reason}`;
  });
}

describe('upgrade', () => {
  test('names protocols, in any case, and makes every address one of Node.js', () => {
    const config = configOf(
      fileOf('upgrade: [WebSocket, tus], origins: [https://app.example.com, null://x]'),
    );
    assert.deepEqual(config.routes[0]?.upgrade, ['websocket', 'tus']);
    assert.deepEqual(config.routes[0]?.origins, ['https://app.example.com', 'null://x']);
    assert.deepEqual(engines(config), ['node upgrade']);
    assert.deepEqual(engines(configOf(fileOf('forward: {}'))), ['uws auto']);
  });

  test('is refused where it cannot be', () => {
    const cases: readonly (readonly [text: string, fault: RegExp])[] = [
      [
        fileOf('upgrade: [websocket]', '{ address: "127.0.0.1:1", engine: uws }'),
        /listen\[0\]\.engine: uws upgrades no connection, and a route has upgrade; must be auto or node/,
      ],
      [
        fileOf('upgrade: [websocket]', '127.0.0.1:1', '{ url: http://a, protocol: h2 }'),
        /routes\[0\]\.upgrade: needs servers that speak HTTP\/1\.1, and the upstream app has one with protocol: h2/,
      ],
      [
        fileOf('upgrade: [h2c]'),
        /routes\[0\]\.upgrade\[0\]: h2c would carry requests that the gateway does not see; must be left out/,
      ],
      [fileOf('upgrade: [websocket, HTTP/2.0]'), /upgrade\[1\]: HTTP\/2\.0 would carry requests/],
      [fileOf('upgrade: [TLS/1.0]'), /upgrade\[0\]: TLS\/1\.0 would carry requests/],
      [fileOf('upgrade: []'), /upgrade: is an empty list/],
      [fileOf('upgrade: [web socket]'), /upgrade\[0\]: does not fit; must be a protocol such as websocket/],
      [fileOf('upgrade: websocket'), /upgrade: does not fit; must be a list such as \[websocket\]/],
      [fileOf('origins: [app.example.com]'), /origins\[0\]: does not fit; must be an origin such as/],
      [fileOf('origins: ["https://app.example.com/"]'), /origins\[0\]: does not fit/],
    ];
    for (const [text, fault] of cases) {
      const faults = faultsOf(text);
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] as string, fault);
    }
  });

  test('has bounds', () => {
    const config = configOf(
      `${fileOf('upgrade: [websocket]')}limits: { tunnels: 5 }\ntimeouts: { tunnel: 2m }\nshutdown: { tunnels: 5s }\n`,
    );
    assert.equal(config.limits.tunnels, 5);
    assert.equal(config.timeouts.tunnelMs, 120_000);
    assert.equal(config.shutdown.tunnelsMs, 5_000);
  });
});

test('the place of a token among subprotocols has a name', () => {
  const withToken = (place: string): string =>
    `listen: 127.0.0.1:1\nissuers: { a: { issuer: i, audience: a, algorithms: [HS256], keys: { secret: ${'s'.repeat(32)} } } }\nroutes: [{ match: { path: / }, upstream: "http://a:1", upgrade: [websocket], token: [${place}] }]\n`;
  assert.deepEqual(configOf(withToken('"protocol:bearer"')).routes[0]?.token, [
    { kind: 'protocol', name: 'bearer' },
  ]);
  for (const [place, fault] of [
    ['"protocol:"', /token\[0\]: has no name of a subprotocol; must be/],
    ['"protocol:a b"', /token\[0\]: has no name of a subprotocol; must be/],
    ['"protocol:a", "protocol:b"', /token\[1\]: is a place that another of the list has already/],
  ] as const) {
    const faults = faultsOf(withToken(place));
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] as string, fault);
  }
});
