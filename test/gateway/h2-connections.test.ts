import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { eventually, startGateway } from '../support/gateway.ts';
import { Wire } from '../support/wire.ts';

test('the figures count open connections, and those of HTTP/2 among them', async () => {
  const gateway = await startGateway({
    upstreamPort: 1,
    config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', protocols: ['h2c', 'http/1.1'] }] },
  });
  const counts = async (): Promise<string> => {
    const { figures } = await gateway.gateway.view.gather();
    return `${figures.connections} ${figures.h2Connections}`;
  };
  const client = connect(`http://127.0.0.1:${gateway.port}`);
  const wire = await Wire.open(gateway.port);
  try {
    await once(client, 'remoteSettings');
    wire.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await wire.response()).status, 401);
    assert.equal(await counts(), '2 1');
    client.close();
    await eventually(counts, (seen) => seen === '1 0');
  } finally {
    wire.close();
    client.destroy();
    await gateway.close();
  }
});
