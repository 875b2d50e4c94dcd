import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { NameServer, respondTo, TTL_S } from '../../../bench/faults/names.ts';

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind({ address: '127.0.0.1', port: 0 });
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((closed) => socket.close(closed));
  return port;
}

describe('the name server of the faults', () => {
  it('has the addresses of one name, and no others', async () => {
    const server = new NameServer('app.faults.test', ['127.0.0.11', '127.0.0.12']);
    const port = await freeUdpPort();
    await server.listen('127.0.0.1', port);
    try {
      const resolver = new Resolver({ timeout: 2_000, tries: 1 });
      resolver.setServers([`127.0.0.1:${port}`]);
      assert.deepEqual(await resolver.resolve4('App.faults.test', { ttl: true }), [
        { address: '127.0.0.11', ttl: TTL_S },
        { address: '127.0.0.12', ttl: TTL_S },
      ]);
      server.addresses = ['127.0.0.12'];
      assert.deepEqual(await resolver.resolve4('app.faults.test'), ['127.0.0.12']);
      await assert.rejects(resolver.resolve6('app.faults.test'), { code: 'ENODATA' });
      await assert.rejects(resolver.resolve4('other.faults.test'), { code: 'ENOTFOUND' });
    } finally {
      server.close();
    }
  });

  it('has no response to a message that is cut off', () => {
    const question = Buffer.from('0001010000010000000000000161000001' + '0001', 'hex');
    assert.equal(respondTo(question, 'a', ['127.0.0.1'])?.readUInt16BE(6), 1);
    for (let length = 0; length < question.length; length += 1) {
      assert.equal(respondTo(question.subarray(0, length), 'a', []), undefined, `${length} bytes`);
    }
  });
});
