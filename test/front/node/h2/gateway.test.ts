import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually, inFlight, startGateway, type TestGateway } from '../../../support/gateway.ts';
import { needs } from '../../../support/programs.ts';
import { request as http1 } from '../../../support/wire.ts';
import { pattern } from './echo-exchange.ts';

const run = promisify(execFile);

/** Upstream: `/echo` sends a body back, `/bytes/N` so many bytes, `/cut` half of a body; others what it has received. */
function respond(request: IncomingMessage, response: ServerResponse): void {
  const { url = '', method, rawHeaders } = request;
  if (url.startsWith('/echo')) request.pipe(response);
  else if (url.startsWith('/bytes/')) {
    const body = pattern(0, Number(url.slice('/bytes/'.length)));
    response.setHeader('content-length', body.length);
    response.end(body);
  } else if (url === '/cut') {
    response.writeHead(200, { 'content-length': 10 });
    response.write('half', () => response.destroy());
  } else if (url === '/never') request.resume();
  else if (url === '/around') {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    request.resume();
    request.on('end', () => {
      response.writeHead(200, { trailer: 'x-sum' });
      response.write(JSON.stringify(request.trailers));
      response.addTrailers({ 'x-sum': '42' });
      response.end();
    });
  } else {
    request.resume();
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.end(JSON.stringify({ method, url, rawHeaders }));
  }
}

interface Result {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function finish(stream: ClientHttp2Stream): Promise<Result> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  const pieces: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece);
  return { headers, body: Buffer.concat(pieces) };
}

describe('a gateway that speaks HTTP/2 without TLS', () => {
  let upstream: Server;
  let gateway: TestGateway;
  let session: ClientHttp2Session;
  let authorization: string;

  before(async () => {
    upstream = createServer(respond);
    // A busy machine can take longer than the 5 s after which Node.js closes an idle connection, into the next request.
    upstream.keepAliveTimeout = 0;
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    gateway = await startGateway({
      upstreamPort: (upstream.address() as AddressInfo).port,
      config: { listen: [{ host: '127.0.0.1', port: 0, protocols: ['http/1.1', 'h2c'] }] },
    });
    authorization = gateway.bearer();
    session = connect(`http://127.0.0.1:${gateway.port}`);
    await once(session, 'connect');
  });
  after(async () => {
    session.destroy();
    await gateway.close();
    upstream.closeAllConnections();
    upstream.close();
  });

  const ask = (path: string, more: Record<string, string | string[]> = {}): ClientHttp2Stream =>
    session.request({ ':path': path, authorization, ...more });

  test('authorizes each request, and upstream gets it as one of HTTP/1.1', async () => {
    const { headers, body } = await finish(ask('/x?y=1', { cookie: ['c=1', 'd=2'], 'x-a': '1' }));
    assert.equal(headers[':status'], 200);
    assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2']);
    const seen = JSON.parse(`${body}`);
    assert.deepEqual([seen.method, seen.url], ['GET', '/x?y=1']);
    const fields = Object.fromEntries(
      seen.rawHeaders.map((name: string, at: number) => [name.toLowerCase(), seen.rawHeaders[at + 1]]),
    );
    assert.equal(fields['host'], `127.0.0.1:${gateway.port}`);
    assert.equal(fields['cookie'], 'c=1; d=2');
    assert.equal(fields['x-forwarded-for'], '127.0.0.1');
    assert.equal(fields['x-forwarded-proto'], 'http');
    assert.ok(!seen.rawHeaders.some((name: string) => name.startsWith(':')));
  });

  test('tells upstream who sent each of many equal requests, and refuses those without a token', async () => {
    const bearers = [gateway.bearer({ sub: 'alice' }), gateway.bearer({ sub: 'bob' })];
    for (let round = 0; round < 5; round += 1) {
      for (const bearer of [...bearers, ...bearers, undefined]) {
        const { headers, body } = await finish(
          session.request({ ':path': '/same', ...(bearer && { authorization: bearer }) }),
        );
        assert.equal(headers[':status'], bearer === undefined ? 401 : 200);
        if (bearer !== undefined) assert.ok(JSON.parse(`${body}`).rawHeaders.includes(bearer));
      }
    }
  });

  test('refuses without a token, and the connection goes on', async () => {
    const { headers, body } = await finish(session.request({ ':path': '/x' }));
    assert.equal(headers[':status'], 401);
    assert.equal(headers['www-authenticate'], 'Bearer realm="portcullis"');
    assert.equal(JSON.parse(`${body}`).code, 'token_missing');
    assert.equal(headers['connection'], undefined);
    assert.equal((await finish(ask('/x'))).headers[':status'], 200);
  });

  test('refuses uploads without a token before they are through', async () => {
    const stream = session.request({ ':method': 'POST', ':path': '/echo' });
    stream.on('error', () => {});
    stream.write(pattern(0, 1000));
    const [headers] = await once(stream, 'response');
    assert.equal(headers[':status'], 401);
    stream.resume();
    if (!stream.closed) await once(stream, 'close');
    assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
  });

  test('carries bodies of any size both ways at once, on many streams', async () => {
    const echo = async (size: number): Promise<void> => {
      const stream = ask('/echo', { ':method': 'POST' });
      const sent = pattern(0, size);
      stream.end(sent);
      const { body } = await finish(stream);
      assert.ok(body.equals(sent), `${size} up`);
    };
    const download = async (size: number): Promise<void> => {
      const { body } = await finish(ask(`/bytes/${size}`));
      assert.ok(body.equals(pattern(0, size)), `${size} down`);
    };
    const sizes = [0, 1, 1000, 16_384, 65_536, 300_000, 3_000_000];
    await Promise.all([...sizes.map(echo), ...sizes.map(download)]);
  });

  test('carries trailers both ways, and early hints', async () => {
    const stream = session.request(
      { ':method': 'POST', ':path': '/around', authorization },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-check': 'sum', 'x-forwarded-for': '1.2.3.4' }));
    const hints = once(stream, 'headers');
    const trailers = once(stream, 'trailers');
    stream.end('body');
    const { headers, body } = await finish(stream);
    assert.equal(headers[':status'], 200);
    // A trailer must not say what the head must not.
    assert.deepEqual(JSON.parse(`${body}`), { 'x-check': 'sum' });
    const [hint] = await hints;
    assert.deepEqual([hint[':status'], hint.link], [103, '</style.css>; rel=preload']);
    const [sum] = await trailers;
    assert.equal(sum['x-sum'], '42');
  });

  test('asks for a body that waits for 100 once the token is accepted', async () => {
    const stream = ask('/echo', { ':method': 'POST', expect: '100-continue', 'content-length': '4' });
    await once(stream, 'continue');
    stream.end('body');
    assert.equal(`${(await finish(stream)).body}`, 'body');
    const refused = session.request({ ':method': 'POST', ':path': '/echo', expect: '100-continue' });
    refused.on('continue', () => assert.fail('asked for a body without a token'));
    refused.on('error', () => {});
    const [headers] = await once(refused, 'response');
    assert.equal(headers[':status'], 401);
    refused.close();
  });

  test('answers HEAD with the length of the body, and without it', async () => {
    const { headers, body } = await finish(ask('/bytes/77', { ':method': 'HEAD' }));
    assert.deepEqual([headers[':status'], headers['content-length'], body.length], [200, '77', 0]);
  });

  test('resets a stream whose response was cut, and no other', async () => {
    const stream = ask('/cut');
    const [error] = await Promise.all([once(stream, 'error'), finish(stream).catch(() => {})]);
    assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR, `${error}`);
    assert.equal((await finish(ask('/x'))).headers[':status'], 200);
  });

  test('gives upstream up when a client resets its stream', async () => {
    const stream = ask('/never');
    stream.on('error', () => {});
    await eventually(
      () => inFlight(gateway).length,
      (count) => count === 1,
    );
    stream.close(constants.NGHTTP2_CANCEL);
    await eventually(
      () => inFlight(gateway).length,
      (count) => count === 0,
    );
    assert.ok(((await gateway.outcomes())['client_aborted'] ?? 0) >= 1);
  });

  test('serves HTTP/1.1 at the same address', async () => {
    const response = await http1(
      gateway.port,
      `GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`,
    );
    assert.equal(response.status, 200);
  });

  for (const [program, args] of [
    ['curl', ['--silent', '--show-error', '--http2-prior-knowledge']],
    ['nghttp', []],
  ] as const) {
    test(`${program} downloads`, needs(program), async () => {
      const url = `http://127.0.0.1:${gateway.port}/bytes/500000`;
      const options = { encoding: 'buffer', maxBuffer: 1_000_000 } as const;
      const { stdout } = await run(program, [...args, '-H', `authorization: ${authorization}`, url], options);
      assert.ok(stdout.equals(pattern(0, 500_000)));
    });
  }

  test('h2load gets all it asks for, with the same token again and again', needs('h2load'), async () => {
    const { stdout } = await run('h2load', [
      ...[
        '--requests=1000',
        '--clients=4',
        '--max-concurrent-streams=10',
        '--header',
        `authorization: ${authorization}`,
      ],
      `http://127.0.0.1:${gateway.port}/bytes/26`,
    ]);
    assert.match(stdout, /1000 succeeded, 0 failed, 0 errored/, stdout);
  });

  test('asks a client to leave when it shuts down, and loses no request', async () => {
    const stream = ask('/bytes/2000000');
    await once(stream, 'response');
    const left = once(session, 'goaway');
    const closed = gateway.gateway.close({ graceMs: 10_000 });
    await left;
    const pieces: Buffer[] = [];
    for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece);
    assert.ok(Buffer.concat(pieces).equals(pattern(0, 2_000_000)));
    await closed;
  });
});
