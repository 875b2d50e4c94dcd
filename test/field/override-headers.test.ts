// Source: an adversarial review: header fields that make a server take another path, host or method than the one that was let in.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Network, parseNetwork } from '../../src/http/networks.ts';
import { bareForward, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request } from '../support/wire.ts';

let origin: Origin;
const gateways: TestGateway[] = [];
let seen: string[] = [];

before(async () => {
  origin = await Origin.start();
  origin.serve((head) => {
    seen = head.trimEnd().split('\r\n').slice(2);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
  const routes = [{ auth: 'none', forward: bareForward }] as const;
  gateways.push(await startGateway({ upstreamPort: origin.port, routes }));
  const trustedProxies = [parseNetwork('127.0.0.0/8') as Network];
  gateways.push(await startGateway({ upstreamPort: origin.port, routes, config: { trustedProxies } }));
});

after(async () => {
  for (const gateway of gateways) await gateway.close();
  await origin.close();
});

/** Headers that upstream receives of these lines, from the gateway that believes no peer or from the one that believes this client. */
async function kept(believed: boolean, ...lines: string[]): Promise<string[]> {
  const gateway = gateways[believed ? 1 : 0] as TestGateway;
  const head = ['GET /x HTTP/1.1', 'Host: a.example', ...lines].join('\r\n');
  assert.equal((await request(gateway.port, `${head}\r\n\r\n`)).status, 200);
  return seen;
}

const removed = [
  'X-Envoy-Original-Path',
  'X-Original-Path',
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-Host',
  'X-Original-Host',
  'X-Envoy-Original-Host',
  'X-Rewrite-Host',
  'X-Host-Override',
  'X-HTTP-Host-Override',
  'X-Original-Method',
  'X-Envoy-Original-Method',
];

describe('a header field that names another path, host or method', () => {
  for (const name of removed) {
    test(`${name} is removed in every spelling, from every sender`, async () => {
      const spellings = [name, name.toUpperCase(), name.replaceAll('-', '_'), name.replaceAll('-', '.')];
      const lines = spellings.map((spelling) => `${spelling}: /admin`);
      for (const believed of [false, true]) assert.deepEqual(await kept(believed, ...lines), []);
    });
  }

  test('has neighbours that pass: other names, and headers that clients send for their method', async () => {
    const lines = [
      'x-hostname: a',
      'x-original-hosts: a',
      'x-original: a',
      'host-override: a',
      'x-original-methods: a',
      'x-real-ip: 203.0.113.7',
      'x-http-method-override: PATCH',
    ];
    assert.deepEqual(await kept(false, ...lines), lines);
  });
});
