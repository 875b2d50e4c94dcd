import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { request } from '../support/wire.ts';
import { accepting, dial, handshake, type Peer, PeerServer, tunnelOptions } from './peers.ts';

describe('a token among the subprotocols of a WebSocket', () => {
  let upstream: PeerServer;
  let gateway: TestGateway;
  beforeEach(async () => {
    upstream = await PeerServer.start();
    const token = [
      { kind: 'header', name: 'authorization', scheme: 'Bearer' },
      { kind: 'protocol', name: 'bearer' },
    ] as const;
    gateway = await startGateway(tunnelOptions(upstream, { routes: [{ upgrade: ['websocket'], token }] }));
  });
  afterEach(async () => {
    await gateway.close();
    await upstream.close();
  });

  const token = (): string => gateway.bearer().slice('Bearer '.length);
  const ask = (fields: string): string => `GET /ws HTTP/1.1\r\nHost: a\r\n${handshake(fields)}\r\n`;

  /** What upstream gets of a request with these fields. */
  async function seen(fields: string): Promise<{ client: Peer; server: Peer; head: string }> {
    const client = await dial(gateway.port);
    client.send(ask(fields));
    const server = await upstream.peer();
    return { client, server, head: await server.until('\r\n\r\n') };
  }

  test('is taken out before upstream sees it', async () => {
    for (const [fields, left] of [
      [`Sec-WebSocket-Protocol: bearer, ${token()}, chat, echo\r\n`, 'chat, echo'],
      [`Sec-WebSocket-Protocol: chat, bearer,${token()}\r\n`, 'chat'],
      [`Sec-WebSocket-Protocol: bearer\r\nSec-WebSocket-Protocol: ${token()}, chat\r\n`, 'chat'],
      [`Sec-WebSocket-Protocol: bearer, ${token()}\r\n`, undefined],
    ] as const) {
      const { client, server, head } = await seen(fields);
      assert.doesNotMatch(head, /bearer|eyJ/);
      assert.equal(/\r\nsec-websocket-protocol: (.*)\r\n/.exec(head)?.[1], left);
      client.socket.destroy();
      server.socket.destroy();
    }
  });

  test('is answered with what upstream chooses, and otherwise with its own name', async () => {
    const fields = `Sec-WebSocket-Protocol: bearer, ${token()}, chat\r\n`;
    for (const [answer, chosen] of [
      ['Sec-WebSocket-Protocol: chat\r\n', 'chat'],
      ['', 'bearer'],
    ] as const) {
      const { client, server } = await seen(fields);
      server.send(accepting(answer));
      const head = await client.until('\r\n\r\n');
      assert.match(head, /^HTTP\/1\.1 101 /);
      assert.equal(/\r\nSec-WebSocket-Protocol: (.*)\r\n/.exec(head)?.[1], chosen);
    }
  });

  test('was not offered to upstream, which cannot choose it', async () => {
    const { client, server } = await seen(`Sec-WebSocket-Protocol: bearer, ${token()}, chat\r\n`);
    server.send(accepting('Sec-WebSocket-Protocol: bearer\r\n'));
    assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 502 /);
  });

  test('is refused where it is missing, malformed, given twice, or stands beside another', async () => {
    for (const [fields, status, code] of [
      ['', 401, 'token_missing'],
      ['Sec-WebSocket-Protocol: chat\r\n', 401, 'token_missing'],
      ['Sec-WebSocket-Protocol: bearer\r\n', 401, 'token_malformed'],
      ['Sec-WebSocket-Protocol: bearer, chat\r\n', 401, 'token_malformed'],
      [`Sec-WebSocket-Protocol: Bearer, ${token()}\r\n`, 401, 'token_missing'],
      [`Sec-WebSocket-Protocol: bearer, ${token()}, bearer, ${token()}\r\n`, 400, 'authorization_ambiguous'],
      [
        `Sec-WebSocket-Protocol: bearer, ${token()}\r\nAuthorization: Bearer ${token()}\r\n`,
        400,
        'authorization_ambiguous',
      ],
    ] as const) {
      const response = await request(gateway.port, ask(fields));
      assert.equal(response.status, status, fields);
      assert.equal(JSON.parse(response.body).code, code, fields);
    }
  });
});
