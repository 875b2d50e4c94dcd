import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byEngine } from '../support/engine.ts';
import { startGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';
import { accepting, asking, handshake } from '../tunnel/peers.ts';

test('a request for a WebSocket goes on with the upgrade where the engine can carry one, and otherwise without it', async () => {
  const origin = await Origin.start();
  const gateway = await startGateway({ upstreamPort: origin.port, routes: [{ upgrade: ['websocket'] }] });
  try {
    const wire = await Wire.open(gateway.port);
    wire.send(asking(gateway.bearer(), handshake('Sec-WebSocket-Protocol: chat\r\n')));
    const upstream = await origin.connection();
    const head = await upstream.head();
    assert.match(head, /\r\nsec-websocket-protocol: chat\r\n/);
    const asks = byEngine('WebSocket and other upgrades', { uws: false, node: true });
    assert.equal(/\r\nconnection: upgrade\r\nupgrade: websocket\r\n/.test(head), asks);
    upstream.write(asks ? accepting() : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await wire.pendingIs((text) => text.startsWith(asks ? 'HTTP/1.1 101' : 'HTTP/1.1 200'));
    wire.close();
  } finally {
    await gateway.close();
    await origin.close();
  }
});
