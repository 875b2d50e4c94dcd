// How the library ws sees what becomes of tokens.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import type { TokenPlace } from '../../../src/config/config.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { revocation, revoke } from '../../support/revocation.ts';
import { secondsFromNow } from '../../support/tokens.ts';
import { connectWs, startTunnels, type Talker, WsServer } from './ws-peers.ts';

const token: readonly TokenPlace[] = [
  { kind: 'header', name: 'authorization', scheme: 'Bearer' },
  { kind: 'cookie', name: 'session' },
  { kind: 'query', name: 'access_token' },
  { kind: 'protocol', name: 'bearer' },
];

describe('a client of ws', () => {
  let upstream: WsServer;
  let gateway: TestGateway;
  before(async () => {
    upstream = await WsServer.start({}, (talker) => {
      talker.socket.on('message', (data, binary) => talker.socket.send(data, { binary }));
    });
    gateway = await startTunnels(upstream.port, {
      routes: [{ upgrade: ['websocket'], origins: ['https://app.example'], token }],
      issuer: { clockToleranceMs: 0 },
      config: { revocation },
    });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const bare = (claims = {}): string => gateway.bearer(claims).slice('Bearer '.length);

  async function refusal(options: ConstructorParameters<typeof WebSocket>[2]): Promise<IncomingMessage> {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws`, options);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    return response;
  }

  test('sees why it is refused', async () => {
    const missing = await refusal({});
    assert.equal(missing.statusCode, 401);
    assert.equal(missing.headers['www-authenticate'], 'Bearer realm="portcullis"');
    assert.equal(JSON.parse(await text(missing)).code, 'token_missing');
    const authorization = gateway.bearer();
    const origin = await refusal({ headers: { authorization }, origin: 'https://evil.example' });
    assert.equal(origin.statusCode, 403);
    assert.equal(JSON.parse(await text(origin)).code, 'origin_not_allowed');
    const version = await refusal({ headers: { authorization }, protocolVersion: 8 });
    assert.equal(version.statusCode, 426);
    assert.equal(version.headers['sec-websocket-version'], '13');
    version.resume();
  });

  test('is let in with a token at each place', async () => {
    for (const options of [
      { headers: { authorization: gateway.bearer() }, origin: 'https://app.example' },
      { headers: { cookie: `a=b; session=${bare()}` } },
      { path: `/ws?access_token=${bare()}` },
      { offers: ['bearer', bare(), 'chat'] },
      { offers: ['bearer', bare()] },
    ]) {
      const client = await connectWs(gateway, options);
      client.socket.send('hello');
      assert.equal(await client.text(), 'hello');
      const offers = 'offers' in options ? options.offers : [];
      assert.equal(client.socket.protocol, offers?.[2] ?? offers?.[0] ?? '');
      client.socket.close();
      assert.deepEqual(await client.closed, [1005, '']);
    }
  });

  test('gets 1008 when the token is revoked', async () => {
    const client = await connectWs(gateway, { headers: { authorization: gateway.bearer({ sub: 'other' }) } });
    await revoke(gateway.adminPort, { sub: 'other' });
    assert.deepEqual(await client.closed, [1008, 'token_revoked']);
  });

  test('gets 1008 at the end of its token, and comes back with a fresh one', async () => {
    const connect = (exp: number): Promise<Talker> =>
      connectWs(gateway, { offers: ['bearer', bare({ exp }), 'chat'] });
    const first = await connect(secondsFromNow(3));
    first.socket.send('first');
    assert.equal(await first.text(), 'first');
    assert.deepEqual(await first.closed, [1008, 'token_expired']);
    const second = await connect(secondsFromNow(300));
    second.socket.send('second');
    assert.equal(await second.text(), 'second');
    second.socket.close(1000);
    assert.deepEqual(await second.closed, [1000, '']);
  });
});
