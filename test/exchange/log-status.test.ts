import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/lib/log.ts';
import { eventually, inFlight, startGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

// The engine sends no head before the first byte of a body, so neither is logged as sent.
test('an answer of which upstream sent the head alone has no status when its client leaves', async () => {
  const origin = await Origin.start();
  const texts: string[] = [];
  const gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    config: { log: { level: 'info', access: 1 } },
    log: createLog({ level: 'info', destination: { write: (text) => texts.push(text) } }),
  });
  try {
    const wire = await Wire.open(gateway.port);
    wire.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    const upstream = await origin.connection();
    await upstream.head();
    upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    await eventually(
      () => inFlight(gateway).some((exchange) => Reflect.get(exchange, 'answer') !== undefined),
      Boolean,
    );
    assert.equal(wire.pending, '');
    wire.reset();
    await upstream.closed();
    const lines = texts.map((text) => JSON.parse(text));
    assert.deepEqual(
      lines.map(({ outcome, status }) => [outcome, status]),
      [['client_aborted', null]],
    );
  } finally {
    await gateway.close();
    await origin.close();
  }
});
