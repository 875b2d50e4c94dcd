import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ClientSocket } from './client-socket.ts';
import { exchange } from './exchange.ts';
import { type Leave, leaving, type SoakRequest, soakRequest } from './request.ts';

const REPLY = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n';
const noReport = (): Promise<string> => Promise.resolve('');

/** A body in two pieces, of which a client that leaves in the body sends one. */
const upload = (): SoakRequest =>
  soakRequest({
    kind: 'upload',
    method: 'POST',
    path: '/',
    fields: 'Content-Length: 20\r\n',
    body: [Buffer.alloc(10, 'a'), Buffer.alloc(10, 'b')],
    writeRestMs: 20,
    right: () => [],
  });

// A client must never begin a request in the middle of the body of another one: a server that reads on waits for the
// rest, and the soak would take that for a fault of the gateway.
describe('a client of the soak whose response comes before it has sent its body', { timeout: 20_000 }, () => {
  let server: Server;
  let port = 0;
  let received = '';
  let ended: Promise<unknown> = Promise.resolve();

  before(async () => {
    server = createServer((socket: Socket) => {
      received = '';
      ended = new Promise((resolve) => socket.once('close', resolve));
      socket.on('error', () => {}); // A reset.
      socket.setEncoding('latin1').on('data', (text: string) => {
        if (received === '') socket.write(REPLY);
        received += text;
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    port = (server.address() as { port: number }).port;
  });

  after(() => server.close());

  const send = async (request: SoakRequest): Promise<ClientSocket> => {
    const socket = await ClientSocket.open({ port, connections: new Set() });
    const came = await exchange(socket, request, noReport);
    assert.equal(came.end, 'whole');
    return socket;
  };

  test('sends all of it, and keeps its connection', async () => {
    const socket = await send(upload());
    assert.equal(socket.closedBy, undefined);
    socket.leave();
    await ended;
    assert.ok(received.endsWith('\r\n\r\naaaaaaaaaabbbbbbbbbb'), received);
  });

  for (const reset of [false, true]) {
    const leave: Leave = { at: 'body', reset };
    test(`leaves in the middle where it was to leave, ${reset ? 'by a reset' : 'in an orderly way'}`, async () => {
      const socket = await send(leaving(upload(), leave));
      assert.equal(socket.closedBy, 'the client');
      await ended;
      const body = received.split('\r\n\r\n')[1] ?? '';
      // A reset takes with it what the server has not read.
      assert.ok('aaaaaaaaaa'.startsWith(body) && (reset || body.length === 10), received);
    });
  }
});
