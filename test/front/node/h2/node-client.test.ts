import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { EchoExchange, pattern } from './echo-exchange.ts';
import { H2Server } from './net-server.ts';

async function bodyOf(stream: ClientHttp2Stream): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('node:http2 as a client', () => {
  const faults: unknown[] = [];
  let server: H2Server;
  let origin: string;

  before(async () => {
    server = new H2Server({
      onRequest: (stream) => new EchoExchange(stream),
      onProxyRefused: () => {},
      onFault: (error) => faults.push(error),
    });
    origin = `http://127.0.0.1:${await server.listen()}`;
  });
  after(async () => {
    await server.close();
    assert.deepEqual(faults, []);
  });

  async function withSession(
    options: Parameters<typeof connect>[1],
    use: (session: ClientHttp2Session) => Promise<void>,
  ): Promise<void> {
    const session = connect(origin, options);
    try {
      await once(session, 'connect');
      await use(session);
    } finally {
      session.destroy();
    }
  }

  async function download(session: ClientHttp2Session, size: number): Promise<void> {
    const stream = session.request({ ':path': `/${size}` });
    const [headers] = await once(stream, 'response');
    assert.equal(headers[':status'], 200);
    assert.equal(headers['content-length'], `${size}`);
    assert.ok((await bodyOf(stream)).equals(pattern(0, size)), `${size} bytes`);
  }

  async function echo(
    session: ClientHttp2Session,
    size: number,
    cuts: readonly number[],
    trailers: boolean,
  ): Promise<void> {
    const stream = session.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: trailers });
    if (trailers) stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
    const sent = pattern(0, size);
    let from = 0;
    for (const cut of cuts) {
      const to = Math.min(size, from + cut);
      if (to > from) stream.write(sent.subarray(from, to));
      from = to;
    }
    stream.end(sent.subarray(from));
    assert.ok((await bodyOf(stream)).equals(sent), `${size} bytes`);
  }

  const size = fc.oneof(
    fc.nat(100),
    fc.constantFrom(16_383, 16_384, 16_385, 65_535, 65_536),
    fc.nat(400_000),
  );
  const request = fc.record({
    size,
    cuts: fc.array(fc.nat(60_000), { maxLength: 5 }),
    upload: fc.boolean(),
    trailers: fc.boolean(),
  });

  test('gets every body whole, on many streams at once and with windows of any size', async () => {
    const windows = fc.constantFrom(1, 1000, 65_535, 1_000_000);
    await fc.assert(
      fc.asyncProperty(
        windows,
        fc.array(request, { minLength: 1, maxLength: 8 }),
        async (window, requests) => {
          await withSession({ settings: { initialWindowSize: window } }, async (session) => {
            await Promise.all(
              requests.map(({ size: wanted, cuts, upload, trailers }) => {
                // A window of a byte needs a frame and an update for each byte. A connection may have 1,000 such updates.
                const bytes = window === 1 ? wanted % 100 : wanted;
                return upload ? echo(session, bytes, cuts, trailers) : download(session, bytes);
              }),
            );
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  test('reuses its connection for many requests', async () => {
    await withSession({}, async (session) => {
      for (let at = 0; at < 300; at += 1) await download(session, at);
      await Promise.all(Array.from({ length: 500 }, (_, at) => download(session, at)));
    });
  });

  test('may cancel any of its requests, and the others go on', async () => {
    await withSession({}, async (session) => {
      const kept = download(session, 2_000_000);
      for (let at = 0; at < 50; at += 1) {
        const stream = session.request({ ':path': '/500000' });
        await once(stream, 'response');
        stream.close(constants.NGHTTP2_CANCEL);
      }
      await kept;
      await download(session, 10);
    });
  });

  test('that stops reading one response gets the others', async () => {
    await withSession({ settings: { initialWindowSize: 65_535 } }, async (session) => {
      session.setLocalWindowSize(1_000_000);
      const stopped = session.request({ ':path': '/400000' });
      await once(stopped, 'response');
      stopped.pause();
      for (let at = 0; at < 5; at += 1) await download(session, 200_000);
      stopped.resume();
      assert.ok((await bodyOf(stopped)).equals(pattern(0, 400_000)));
    });
  });

  test('is told to leave, and gets what it has asked for', async () => {
    await withSession({}, async (session) => {
      const stream = session.request({ ':path': '/3000000' });
      await once(stream, 'response');
      const left = once(session, 'goaway');
      for (const connection of server.connections) connection.drain();
      const [code] = await left;
      assert.equal(code, constants.NGHTTP2_NO_ERROR);
      assert.ok((await bodyOf(stream)).equals(pattern(0, 3_000_000)));
      if (!session.closed) await once(session, 'close');
    });
  });

  test('with large heads is served, up to the limit', async () => {
    await withSession({}, async (session) => {
      for (const [length, status] of [
        [15_000, 200],
        [16_300, 400],
        [100, 200],
      ] as const) {
        const stream = session.request({ ':path': '/1', 'x-long': 'v'.repeat(length) });
        const [headers] = await once(stream, 'response');
        assert.equal(headers[':status'], status, `${length}`);
        await bodyOf(stream);
      }
    });
  });
});
