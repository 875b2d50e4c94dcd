import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, type TestGateway } from '../../support/gateway.ts';
import type { Origin, OriginConnection } from '../../support/origin.ts';
import { publicGateway } from '../../support/public-gateway.ts';
import { Wire } from '../../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

publicGateway(
  'once',
  (made) => {
    ({ origin, gateway } = made);
  },
  { config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }] } },
);

const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const event = '3\r\nabc\r\n';

/** A client that has the first event of a stream. */
async function reading(): Promise<[Wire, OriginConnection]> {
  const connection = origin.connection();
  const wire = await Wire.open(gateway.port);
  wire.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  const upstream = await connection;
  await upstream.head();
  upstream.write(head + event);
  await wire.pendingIs((text) => text.endsWith(event));
  return [wire, upstream];
}

test('a client that has ended its half gets the rest, and one that has left is missed with the next bytes', async () => {
  const [stays, upstreamOfIt] = await reading();
  const [leaves, upstream] = await reading();
  stays.end();
  leaves.close();
  upstreamOfIt.write(`${event}0\r\n\r\n`);
  assert.match(await stays.untilClosed(), /abc\r\n3\r\nabc\r\n0\r\n\r\n$/);
  let over = false;
  const closed = upstream.closed().then(() => {
    over = true;
  });
  // The first bytes make the client's system reset the connection.
  await eventually(
    () => {
      if (!over) upstream.write(event);
      return over;
    },
    (seen) => seen,
  );
  await closed;
  assert.deepEqual(await gateway.outcomes(), { forwarded: 1, client_aborted: 1 });
});
