import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { bytesOf, digestOf } from './bytes.ts';
import { ClientSocket } from './client-socket.ts';
import type { Came } from './exchange.ts';
import { exchangeOverH2, fieldsOf } from './h2-exchange.ts';
import { H2Session } from './h2-session.ts';
import { type Parts, type SoakRequest, soakRequest } from './request.ts';

const noReport = (): Promise<string> => Promise.resolve('');
const requestOf = (parts: Partial<Parts>): SoakRequest =>
  soakRequest({ kind: 'test', path: '/', right: () => [], ...parts });

// node:http2 is a server of other hands: it decodes each block, and counts both windows.
describe('the client of the soak by HTTP/2', { timeout: 20_000 }, () => {
  let server: Http2Server;
  let serve: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void;
  const breaches: string[] = [];
  const connections = new Set<ClientSocket>();

  before(async () => {
    server = createServer({ settings: { maxHeaderListSize: 100_000, initialWindowSize: 20_000 } });
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {}); // A test cuts it.
      serve(stream, headers);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });

  after(() => {
    for (const connection of connections) connection.leave();
    server.close();
    assert.deepEqual(breaches, []);
  });

  async function open(): Promise<H2Session> {
    const { port } = server.address() as AddressInfo;
    const socket = await ClientSocket.open({ port, connections: new Set() });
    connections.add(socket);
    return new H2Session(socket, (what) => breaches.push(what));
  }

  function send(session: H2Session, request: SoakRequest): Promise<Came> {
    const fields = fieldsOf(request);
    assert.ok(fields);
    return exchangeOverH2(session, fields, request, noReport);
  }

  test('sends fields as they are, at first, again, and when they fill more than a frame', async () => {
    const session = await open();
    const seen: unknown[] = [];
    serve = (stream, { authorization, 'x-large': large }) => {
      seen.push([authorization, String(large ?? '').length]);
      stream.respond({ ':status': 204 }, { endStream: true });
    };
    for (const size of [10, 10, 3000, 17_000, 17_001, 10]) {
      const came = await send(
        session,
        requestOf({ token: `t${size}`, fields: `X-Large: ${'x'.repeat(size)}\r\n` }),
      );
      assert.match(came.reader.head ?? '', /^HTTP\/1\.1 204 No Content/);
      assert.equal(came.end, 'whole');
    }
    assert.deepEqual(
      seen,
      [10, 10, 3000, 17_000, 17_001, 10].map((size) => [`Bearer t${size}`, size]),
    );
    session.leave();
  });

  test('sends and reads bodies larger than each window, four at a time, one of them slowly', async () => {
    const session = await open();
    const bodies = [1, 2, 3, 4].map((seed) => bytesOf(seed, 300_000));
    serve = (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    };
    const all = await Promise.all(
      bodies.map((body, at) =>
        send(session, requestOf({ method: 'POST', body: [body], readRestMs: at === 0 ? 5 : 0 })),
      ),
    );
    for (const [at, came] of all.entries()) {
      assert.equal(came.end, 'whole');
      assert.equal(digestOf(came.reader.body), digestOf(bodies[at] ?? new Uint8Array()));
    }
    session.leave();
  });

  test('stops sending when a response comes early and its stream is reset', async () => {
    const session = await open();
    serve = (stream) => {
      stream.respond({ ':status': 413, 'content-length': 0 }, { endStream: true });
      // Node.js 22 lets a reset overtake the response: it follows when the client has answered a ping behind it.
      stream.session?.ping(() => stream.close(0));
    };
    const came = await send(session, requestOf({ method: 'POST', body: [bytesOf(5, 1_000_000)] }));
    assert.deepEqual([came.end, came.report], ['whole', undefined]);
    session.leave();
  });

  test('takes a reset for a cut, and leaves a stream in the middle without harm to the next', async () => {
    const session = await open();
    serve = (stream, headers) => {
      if (headers[':path'] === '/cut') {
        stream.respond({ ':status': 200 });
        stream.destroy(new Error('cut'));
      } else stream.end(bytesOf(6, 200_000));
    };
    const cut = await send(session, requestOf({ path: '/cut' }));
    assert.deepEqual([cut.end, cut.closedBy], ['cut', 'a reset with 2']);
    const left = await send(session, {
      ...requestOf({ path: '/left' }),
      leave: { at: 'middle', reset: false },
    });
    assert.equal(left.end, 'left');
    const whole = await send(session, requestOf({ path: '/whole' }));
    assert.deepEqual([whole.end, whole.reader.bodyLength], ['whole', 200_000]);
    session.leave();
  });

  test('takes no request behind GOAWAY', async () => {
    const session = await open();
    serve = (stream) => {
      stream.session?.goaway();
      stream.respond({ ':status': 204 }, { endStream: true });
    };
    const came = await send(session, requestOf({}));
    assert.equal(came.end, 'whole');
    assert.equal(session.takesRequests, false);
    assert.notEqual(session.askedToLeaveAt, undefined);
  });
});
