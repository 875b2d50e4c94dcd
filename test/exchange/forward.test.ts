import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testScheme } from '../support/engine.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

before(async () => {
  origin = await Origin.start();
  gateway = await startGateway({ upstreamPort: origin.port });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

test('a request with a good token reaches upstream, and the response reaches the client', async () => {
  const bearer = gateway.bearer();
  const wanted = request(
    gateway.port,
    `GET /a/b?c=1 HTTP/1.1\r\nHost: example.com\r\nAuthorization: ${bearer}\r\nX-One: 1\r\n\r\n`,
  );
  const connection = await origin.connection();
  assert.equal(
    await connection.head(),
    `GET /a/b?c=1 HTTP/1.1\r\nhost: example.com\r\nauthorization: ${bearer}\r\nx-one: 1\r\n` +
      `x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: ${testScheme}\r\nx-forwarded-host: example.com\r\n\r\n`,
  );
  connection.write(
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Two: 2\r\nContent-Length: 5\r\n\r\nhello',
  );
  const response = await wanted;
  assert.equal(response.status, 200);
  assert.equal(response.body, 'hello');
});
