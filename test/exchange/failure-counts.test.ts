import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway, sums } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request } from '../support/wire.ts';
import { scrape } from './outcome-rows.ts';

const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';

test('each failure of upstream is counted by its reason', async () => {
  const origin = await Origin.start();
  const gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    timeouts: { responseMs: 100 },
  });
  try {
    for (const act of [
      (socket: { resetAndDestroy(): void }) => socket.resetAndDestroy(),
      (socket: { write(text: string): void }) => socket.write('no HTTP at all\r\n\r\n'),
      () => {},
    ]) {
      const failed = request(gateway.port, get);
      const upstream = await origin.connection();
      await upstream.head();
      act(upstream.socket);
      assert.ok((await failed).status >= 502);
      await upstream.closed();
    }
    const metrics = await scrape(gateway.adminPort);
    assert.deepEqual(sums(metrics, 'portcullis_upstream_failures_total', 'reason'), {
      upstream_reset: 1,
      upstream_invalid_response: 1,
      upstream_timeout: 1,
    });
  } finally {
    await gateway.close();
    await origin.close();
  }
});
