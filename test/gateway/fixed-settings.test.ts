import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AddressTerms } from '../../src/config/config.ts';
import { startGateway, testConfig } from '../support/gateway.ts';
import { request } from '../support/wire.ts';

describe('a reload at an address that is listened on', () => {
  const config = (terms: AddressTerms) =>
    testConfig({
      upstreamPort: 1,
      routes: [{ auth: 'none' }],
      config: { listen: [{ host: '127.0.0.1', port: 0, ...terms }] },
    });

  for (const [name, before, after] of [
    ['its engine', { engine: 'node' }, { engine: 'uws' }],
    ['the PROXY protocol, which needs another engine', {}, { proxyProtocol: 'required' }],
    ['its redirect', { engine: 'node' }, { engine: 'node', redirect: 'https' }],
  ] as const) {
    test(`is refused with ${name}, and the old configuration stays`, async () => {
      const gateway = await startGateway({ upstreamPort: 1, config: config(before) });
      try {
        const why =
          /^engine and redirect of 127\.0\.0\.1:0 cannot change while the gateway runs; restart it$/;
        await assert.rejects(gateway.gateway.reload(config(after)), { name: 'StartError', message: why });
        const { status } = await request(gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        assert.equal(status, 502);
        await gateway.gateway.reload(config(before));
      } finally {
        await gateway.close();
      }
    });
  }
});
