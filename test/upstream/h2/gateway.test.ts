import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { eventually, inFlight, startGateway, type TestGateway } from '../../support/gateway.ts';
import { request } from '../../support/wire.ts';

type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

const portOf = (server: Http2Server): number => (server.address() as { port: number }).port;

async function listening(serve: Serve): Promise<Http2Server> {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {});
    serve(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** `/echo` sends the body back, `/bytes/N` so many bytes; others what it has received. */
const respond: Serve = (stream, headers) => {
  const path = headers[':path'] ?? '';
  if (path === '/never') return;
  if (path.startsWith('/echo')) {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  } else if (path.startsWith('/bytes/')) {
    stream.respond({ ':status': 200 });
    stream.end(Buffer.alloc(Number(path.slice('/bytes/'.length)), 'x'));
  } else if (path === '/early') stream.respond({ ':status': 200 }, { endStream: true });
  else if (path === '/trailers') {
    stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>; rel=preload' });
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
      stream.end(JSON.stringify({ ...trailers, te: headers['te'] }));
    });
    stream.resume();
  } else {
    stream.resume();
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'set-cookie': ['a=1', 'b=2'] });
      stream.end(JSON.stringify(headers));
    });
  }
};

describe('a gateway in front of a server of HTTP/2', () => {
  let upstream: Http2Server;
  let gateway: TestGateway;
  let session: ClientHttp2Session;
  let authorization: string;
  let sessions = 0;

  before(async () => {
    upstream = await listening(respond);
    upstream.on('session', () => {
      sessions += 1;
    });
    gateway = await startGateway({
      upstreamPort: portOf(upstream),
      server: { protocol: 'h2' },
      config: { listen: [{ host: '127.0.0.1', port: 0, protocols: ['http/1.1', 'h2c'] }] },
    });
    authorization = gateway.bearer();
    session = connect(`http://127.0.0.1:${gateway.port}`);
    await once(session, 'connect');
  });
  after(async () => {
    session.destroy();
    await gateway.close();
    upstream.close();
  });

  const text = (more = ''): string => `Host: app.example\r\nAuthorization: ${authorization}\r\n${more}\r\n`;

  const ask = (path: string, more: Record<string, string> = {}): ClientHttp2Stream =>
    session.request({ ':path': path, authorization, ...more });

  async function bodyOf(stream: ClientHttp2Stream): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  test('serves clients of HTTP/1.1', async () => {
    const { status, body, headers } = await request(
      gateway.port,
      `GET /x?y=1 HTTP/1.1\r\n${text('Cookie: c=1\r\n')}`,
    );
    assert.equal(status, 200);
    assert.match(headers.get('set-cookie') ?? '', /a=1|b=2/);
    const seen = JSON.parse(body);
    assert.deepEqual(
      [seen[':method'], seen[':path'], seen[':authority'], seen[':scheme'], seen['cookie']],
      ['GET', '/x?y=1', 'app.example', 'http', 'c=1'],
    );
    assert.equal(seen['x-forwarded-for'], '127.0.0.1');
    assert.equal(seen['connection'], undefined);
    assert.equal(seen['host'], undefined);
  });

  test('sends bodies with and without a length', async () => {
    for (const [more, body] of [
      ['Content-Length: 5\r\n', 'hello'],
      ['Transfer-Encoding: chunked\r\n', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'],
    ]) {
      const answer = await request(gateway.port, `POST /echo HTTP/1.1\r\n${text(more)}${body}`);
      assert.deepEqual([answer.status, answer.body], [200, 'hello']);
    }
  });

  test('carries large bodies both ways at once', async () => {
    const stream = ask('/echo', { ':method': 'POST' });
    const sent = Buffer.alloc(8 * 1024 * 1024, 'abcdefg');
    stream.end(sent);
    assert.ok((await bodyOf(stream)).equals(sent));
  });

  test('carries interim responses, and trailers both ways', async () => {
    const stream = session.request(
      { ':path': '/trailers', ':method': 'POST', authorization, te: 'trailers' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-up': '1' }));
    stream.end('body');
    const links: unknown[] = [];
    let trailers: IncomingHttpHeaders = {};
    stream.on('headers', ({ link }: IncomingHttpHeaders) => links.push(link));
    stream.on('trailers', (got: IncomingHttpHeaders) => {
      trailers = got;
    });
    assert.deepEqual(JSON.parse(`${await bodyOf(stream)}`), { 'x-up': '1', te: 'trailers' });
    assert.deepEqual(links, ['</a>; rel=preload']);
    assert.equal(trailers['x-sum'], '42');
  });

  test('goes on with a request behind its response', async () => {
    const stream = ask('/early', { ':method': 'POST' });
    stream.write('first');
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    assert.equal(headers[':status'], 200);
    stream.end('last');
    stream.resume();
    await once(stream, 'close');
    assert.equal(stream.rstCode, 0);
  });

  test('gives up upstream with its client', async () => {
    const before = sessions;
    const stream = ask('/never');
    await eventually(
      () => inFlight(gateway).length,
      (count) => count === 1,
    );
    stream.close(8);
    await eventually(
      () => inFlight(gateway).length,
      (count) => count === 0,
    );
    await eventually(
      () => gateway.connections(),
      ({ busy }) => busy === undefined,
    );
    assert.equal(sessions, before, 'the session stays');
  });

  test('carries many requests on one connection', async () => {
    const before = sessions;
    const all = await Promise.all(Array.from({ length: 80 }, () => bodyOf(ask('/bytes/1000'))));
    assert.ok(all.every(({ length }) => length === 1000));
    assert.equal(sessions, Math.max(before, 1));
  });

  test('refuses a token as in front of any server', async () => {
    const { status } = await request(gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.equal(status, 401);
  });
});

describe('a server of HTTP/2 that goes away', () => {
  test('gets each request once, and those that it has not begun go to a new session', async () => {
    const counts = new Map<string, number>();
    let sessions = 0;
    const upstream = await listening((stream, { ':path': path = '' }) => {
      counts.set(path, (counts.get(path) ?? 0) + 1);
      stream.respond({ ':status': 200 });
      stream.end('ok');
      if (counts.size % 10 === 0) stream.session?.close();
    });
    upstream.on('session', () => {
      sessions += 1;
    });
    const gateway = await startGateway({ upstreamPort: portOf(upstream), server: { protocol: 'h2' } });
    const head = `Host: a\r\nAuthorization: ${gateway.bearer()}\r\nConnection: close\r\n\r\n`;
    for (let round = 0; round < 10; round += 1) {
      const all = Array.from({ length: 10 }, (_, at) =>
        request(gateway.port, `GET /${round}-${at} HTTP/1.1\r\n${head}`),
      );
      for (const { status } of await Promise.all(all)) assert.equal(status, 200);
    }
    assert.ok(sessions > 1, `${sessions} sessions`);
    assert.ok([...counts.values()].every((count) => count === 1));
    await gateway.close();
    upstream.close();
  });

  test('is unreachable when it speaks HTTP/1.1 only', async () => {
    const { createServer: createOld } = await import('node:http');
    const old = createOld((_, response) => response.end('old'));
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
    const gateway = await startGateway({
      upstreamPort: (old.address() as { port: number }).port,
      server: { protocol: 'h2' },
    });
    const { status, body } = await request(
      gateway.port,
      `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${gateway.bearer()}\r\nConnection: close\r\n\r\n`,
    );
    assert.deepEqual([status, JSON.parse(body).code], [502, 'upstream_unreachable']);
    await gateway.close();
    old.close();
  });
});
