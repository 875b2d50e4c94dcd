import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import type { Row } from './response-row.ts';
import { rows } from './response-rows.ts';

/** What Node's own client, and with it llhttp, makes of a row. */
interface Seen {
  readonly status: string;
  readonly body: string;
  readonly complete: boolean;
}

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

/** Undefined when the client reports an error before it has a head. */
function ask(method: string): Promise<Seen | undefined> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    const client = request({ host: '127.0.0.1', port, method, agent: false, path: '/' });
    client.on('error', () => resolve(undefined));
    client.on('response', (response) => {
      const body: Buffer[] = [];
      response.on('data', (chunk: Buffer) => body.push(chunk));
      // An incomplete body is told by `complete` once the response closes.
      response.on('error', () => response.destroy());
      response.on('close', () => {
        resolve({
          status: `${response.statusCode} ${response.statusMessage}`,
          body: Buffer.concat(body).toString('latin1'),
          complete: response.complete,
        });
      });
    });
    client.on('upgrade', (_, socket) => {
      socket.destroy();
      resolve(undefined);
    });
    client.on('connect', (_, socket) => {
      socket.destroy();
      resolve({ status: 'tunnel', body: '', complete: true });
    });
    client.end();
  });
}

// Rows with a small limit of their own say nothing about the other parser.
for (const candidate of rows.filter(({ limit }) => limit === 65_536)) {
  test(`${candidate.name}, as Node sees it`, async () => {
    row = candidate;
    const seen = await ask(candidate.method);
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
