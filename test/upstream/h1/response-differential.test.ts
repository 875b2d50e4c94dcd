import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { ask } from './node-client.ts';
import type { Row } from './response-row.ts';
import { rows } from './response-rows.ts';

let row: Row;
const server = createServer((socket: Socket) => {
  // A client that refuses the bytes resets the connection.
  socket.on('error', () => socket.destroy());
  socket.once('data', () => socket.end(Buffer.from(row.bytes, 'latin1')));
});

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  server.close();
});

// Rows with a small limit of their own do not concern the other parser.
for (const candidate of rows.filter(({ limit }) => limit === 65_536)) {
  test(`${candidate.name}, as Node sees it`, async () => {
    row = candidate;
    const { port } = server.address() as AddressInfo;
    const seen = await ask({ host: '127.0.0.1', port, method: candidate.method, agent: false });
    const { outcome, differs } = candidate;
    const theirs = seen?.complete ?? false;
    const ours = outcome.fault === undefined && outcome.complete;
    if (differs === undefined) assert.equal(theirs, ours, 'both refuse or both accept');
    if (ours && theirs && seen?.status !== 'tunnel') {
      assert.equal(seen?.status, outcome.status);
      assert.equal(seen?.body, outcome.body);
    }
  });
}
