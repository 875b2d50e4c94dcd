// Source: an operator whose HAProxy marked the gateway down at once: its default check is HTTP/1.0 and has no Host.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { type Haproxy, startHaproxy } from '../support/haproxy.ts';
import { Origin } from '../support/origin.ts';
import { needs } from '../support/programs.ts';
import { request } from '../support/wire.ts';

let origin: Origin;
before(async () => {
  origin = await Origin.start();
  origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
});
after(() => origin.close());

const through = async ({ port }: Haproxy): Promise<number> =>
  (await request(port, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n')).status;

async function behindHaproxy(
  engine: 'node' | 'uws',
  look: (haproxy: Haproxy, gateway: TestGateway) => Promise<void>,
): Promise<void> {
  const gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    config: { listen: [{ host: '127.0.0.1', port: 0, engine }] },
  });
  const haproxy = await startHaproxy({ upstreamPort: gateway.port, healthCheck: true });
  try {
    await look(haproxy, gateway);
  } finally {
    await haproxy.close();
    await gateway.close();
  }
}

describe('the default health check of HAProxy', needs('haproxy'), () => {
  test('finds the gateway healthy with engine: node', () =>
    behindHaproxy('node', async (haproxy, gateway) => {
      await eventually(
        async () => (await gateway.outcomes())['forwarded'] ?? 0,
        (checks) => checks >= 3,
      );
      assert.equal(await through(haproxy), 200);
    }));

  test('finds it down with engine: uws, as the documentation says', () =>
    behindHaproxy('uws', async (haproxy) => {
      await eventually(
        () => through(haproxy),
        (status) => status === 503,
      );
    }));
});
