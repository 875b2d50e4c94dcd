import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

describe('a Content-Length of several zeros is no body', () => {
  let origin: Origin;
  let gateway: TestGateway;

  before(async () => {
    origin = await Origin.start();
    gateway = await startGateway({
      upstreamPort: origin.port,
      routes: [{ auth: 'none' }],
    });
  });

  after(async () => {
    await gateway.close();
    await origin.close();
  });

  test('so the request is whole, and its connections serve the next one', async () => {
    const wire = await Wire.open(gateway.port);
    const coming = origin.connection();
    for (const length of ['0', '00', '000000000000000']) {
      wire.send(`POST /${length} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
      const upstream = await coming;
      const head = await upstream.head();
      assert.ok(head.startsWith(`POST /${length} HTTP/1.1\r\n`), head);
      assert.ok(head.endsWith('\r\ncontent-length: 0\r\n\r\n'), head);
      upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      assert.equal((await wire.response()).status, 200);
      await eventually(
        () => gateway.connections(),
        ({ busy = 0, idle = 0 }) => busy === 0 && idle === 1,
      );
    }
    assert.equal(origin.accepted, 1);
    wire.close();
  });
});
