import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { chunk, eventHead } from '../../../exchange/event-wire.ts';
import { startGateway, type TestGateway } from '../../../support/gateway.ts';
import { Origin, type OriginConnection } from '../../../support/origin.ts';
import { revocation, revoke } from '../../../support/revocation.ts';

let origin: Origin;
let gateway: TestGateway;
let session: ClientHttp2Session;

beforeEach(async () => {
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ onExpiry: { tunnels: 'close', answers: 'close' } }],
    config: { revocation, listen: [{ host: '127.0.0.1', port: 0, protocols: ['http/1.1', 'h2c'] }] },
  });
  session = connect(`http://127.0.0.1:${gateway.port}`);
  await once(session, 'connect');
});
afterEach(async () => {
  session.destroy();
  await gateway.close();
  await origin.close();
});

/** A request, with the head and these bytes of its response. */
async function ask(
  head: string,
  body: string,
  length: number,
): Promise<{ stream: ClientHttp2Stream; upstream: OriginConnection; got: Buffer[] }> {
  const stream = session.request({ ':path': '/x', authorization: gateway.bearer() });
  stream.on('error', () => {});
  const upstream = await origin.connection();
  await upstream.head();
  upstream.write(head + body);
  await once(stream, 'response');
  const got: Buffer[] = [];
  stream.on('data', (data: Buffer) => got.push(data));
  while (Buffer.concat(got).length < length) await once(stream, 'data');
  return { stream, upstream, got };
}

/** Not by `once`, which a reset would reject. */
function closed(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve));
}

describe('over HTTP/2', () => {
  test('an event stream comes event by event, and ends whole with its token', async () => {
    const { stream, upstream, got } = await ask(eventHead, chunk('data: 0\n\n'), 9);
    for (let count = 1; count < 5; count += 1) {
      upstream.write(chunk(`data: ${count}\n\n`));
      await once(stream, 'data');
    }
    await revoke(gateway.adminPort, { sub: 'user' });
    await closed(stream);
    assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    assert.equal(stream.readableEnded, true);
    assert.match(Buffer.concat(got).toString(), /^data: 0\n\n.*data: 4\n\n$/s);
    await upstream.closed();
    assert.equal(session.closed, false);
  });

  for (const [what, head] of [
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'],
    ['without one', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ] as const) {
    test(`a download ${what} is reset with its token`, async () => {
      const body = head.includes('chunked') ? chunk('data: 0\n\n') : 'data: 0\n\n';
      const { stream, upstream } = await ask(head, body, 9);
      await revoke(gateway.adminPort, { sub: 'user' });
      await closed(stream);
      assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
      await upstream.closed();
      assert.equal(session.closed, false);
    });
  }

  test('a client that gives an event stream up ends upstream', async () => {
    const { stream, upstream } = await ask(eventHead, chunk('data: 0\n\n'), 9);
    stream.close(constants.NGHTTP2_CANCEL);
    await upstream.closed();
    assert.equal(session.closed, false);
  });
});
