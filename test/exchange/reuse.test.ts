import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually, type TestGateway } from '../support/gateway.ts';
import type { Origin } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { request, Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

publicGateway('anew', (made) => {
  ({ origin, gateway } = made);
});

const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

// Upstream still waits for the rest of the body, and would read the next request as that rest.
describe('a connection whose request was not sent whole carries no other request', () => {
  for (const [framing, line, part] of [
    ['length', 'Content-Length: 1000', 'hello'],
    ['chunked', 'Transfer-Encoding: chunked', '5\r\nhello\r\n'],
  ] as const) {
    test(`framed by ${framing}`, async () => {
      const wire = await Wire.open(gateway.port);
      wire.send(`POST /x HTTP/1.1\r\nHost: a.example\r\n${line}\r\n\r\n${part}`);
      const upstream = await origin.connection();
      await upstream.take((text) => text.endsWith(part));
      upstream.write(ok);
      await eventually(
        () => wire.pending,
        (text) => /\r\n\r\n(2\r\n)?ok/.test(text),
      );
      // It goes on with the body, alone.
      assert.deepEqual(await gateway.connections(), { busy: 1 });
      const next = request(gateway.port, get);
      await eventually(
        () => origin.accepted,
        (count) => count === 2,
      );
      const second = await origin.connection();
      await second.head();
      second.write(ok);
      assert.equal((await next).body, 'ok');
      assert.equal(upstream.received, '');
      wire.reset();
    });
  }

  test('a connection whose body is complete does', async () => {
    for (let at = 0; at < 2; at += 1) {
      const carried = request(
        gateway.port,
        'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi',
      );
      if (at === 0) origin.serve(() => ok);
      assert.equal((await carried).body, 'ok');
    }
    assert.equal(origin.accepted, 1);
  });
});
