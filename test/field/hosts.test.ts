// Source: field reports: clients that send `Host: a.example:` with an empty port (RFC 3986 §3.2.3).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Network, parseNetwork } from '../../src/http/networks.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request, type WireResponse } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;
let seen: string[] = [];

before(async () => {
  origin = await Origin.start();
  origin.serve((head) => {
    seen = head.trimEnd().split('\r\n').slice(1);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
  gateway = await startGateway({
    upstreamPort: origin.port,
    config: { trustedProxies: [parseNetwork('127.0.0.0/8') as Network] },
    routes: [
      { match: { host: 'a.example', path: '/', methods: undefined }, auth: 'none' },
      { name: 'others', match: { host: undefined, path: '/', methods: undefined } },
    ],
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

const ask = (...lines: string[]): Promise<WireResponse> =>
  request(gateway.port, `${['GET /x HTTP/1.1', ...lines].join('\r\n')}\r\n\r\n`);

describe('a port of a host', () => {
  test('may be empty, and the host is the text before it', async () => {
    assert.equal((await ask('Host: a.example:')).status, 200);
    assert.ok(seen.includes('host: a.example:'), String(seen));
    assert.equal((await ask('Host: b.example:')).status, 401);
  });

  test("may be empty in a trusted proxy's header", async () => {
    assert.equal((await ask('Host: a.example', 'X-Forwarded-Host: c.example:')).status, 200);
    assert.ok(seen.includes('x-forwarded-host: c.example:'), String(seen));
  });

  for (const host of [
    ':',
    '',
    'a.example::',
    'a.example:80:',
    'a.example: 80',
    'a.example:123456',
    'a.example:-1',
  ]) {
    test(`is refused in ${JSON.stringify(host)}, and not believed of a proxy`, async () => {
      assert.equal((await ask(`Host: ${host}`)).status, 400);
      assert.equal((await ask('Host: a.example', `X-Forwarded-Host: ${host}`)).status, 200);
      assert.ok(seen.includes('x-forwarded-host: a.example'), String(seen));
    });
  }

  test('does not let bytes from 0x80 up into a host', async () => {
    assert.equal((await ask('Host: a\xc3\xa9.example:')).status, 400);
    assert.equal((await ask('Host: a\xe9.example')).status, 400);
  });
});
