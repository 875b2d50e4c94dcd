// Source: an operator whose HAProxy marked the gateway down at once: its default check is HTTP/1.0 and has no Host.
import { after, before, describe, test } from 'node:test';
import { byEngine, testEngine } from '../support/engine.ts';
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

describe('the default health check of HAProxy', needs('haproxy'), () => {
  let gateway: TestGateway;
  let haproxy: Haproxy;
  before(async () => {
    gateway = await startGateway({ upstreamPort: origin.port, routes: [{ auth: 'none' }] });
    haproxy = await startHaproxy({ upstreamPort: gateway.port, healthCheck: true });
  });
  after(async () => {
    await haproxy?.close();
    await gateway?.close();
  });

  test(`finds the gateway ${byEngine('HTTP/1.0', { uws: 'down', node: 'healthy' })}, as the documentation says`, async () => {
    if (testEngine === 'uws') {
      await eventually(
        () => through(haproxy),
        (status) => status === 503,
      );
      return;
    }
    await eventually(
      async () => (await gateway.outcomes())['forwarded'] ?? 0,
      (checks) => checks >= 3,
    );
    // On a busy machine a check may take too long for HAProxy, and the next one be in time.
    await eventually(
      () => through(haproxy),
      (status) => status === 200,
    );
  });
});
