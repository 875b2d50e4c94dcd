import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import { Authority } from '../../support/authority.ts';
import { serverOf, startGateway } from '../../support/gateway.ts';
import { answer, tlsOrigin, upstreamTls } from '../../support/upstream-tls.ts';
import { request } from '../../support/wire.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
/** The preface of a client, settings of five parameters at most, and a window update (RFC 9113 §3.4). */
const PREFACE_BYTES = 24 + (9 + 5 * 6) + 13;
const authority = new Authority('h2');
const good = authority.issue({ names: ['127.0.0.1'] });

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function gatewayTo(port: number): ReturnType<typeof startGateway> {
  const gateway = await startGateway({
    routes: [{ auth: 'none' }],
    upstreamPort: port,
    upstreamTls: upstreamTls(authority.cert),
    server: { protocol: 'h2' },
  });
  open.push(() => gateway.close());
  return gateway;
}

test('a server that chooses h2 by ALPN gets requests by HTTP/2', async () => {
  const server = createSecureServer({ ...good, allowHTTP1: false }, (asked, response) => {
    response.end(`${asked.httpVersion} ${asked.authority} ${asked.scheme}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(async () => {
    server.close();
    await once(server, 'close');
  });
  const gateway = await gatewayTo((server.address() as AddressInfo).port);
  assert.equal((await request(gateway.port, GET)).body, '2.0 a https');
});

test('a server that does not choose h2 gets no request', async () => {
  for (const ALPNProtocols of [['http/1.1'], []]) {
    const origin = await tlsOrigin({ ...good, ALPNProtocols }, answer);
    open.push(() => origin.close());
    const gateway = await gatewayTo(origin.port);
    const { status, body } = await request(gateway.port, GET);
    assert.equal(status, 502);
    assert.match(body, /upstream_unreachable/);
    const [state] = serverOf(gateway).service.upstreams.get('app')?.servers ?? [];
    assert.ok(['no_http2', 'tls_failed'].includes(state?.report.cause ?? ''), state?.report.cause);
    // node:http2 sends its preface and settings at once. A request would follow the settings of the server.
    assert.ok(origin.received() <= PREFACE_BYTES, `${origin.received()} bytes`);
  }
});
