import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { frame, types, uint32 } from '../../front/node/h2/frames.ts';
import { eventually, startGateway, type TestGateway, type TestOptions } from '../../support/gateway.ts';
import { Wire } from '../../support/wire.ts';
import { body, END_HEADERS, END_STREAM, FrameServer, head } from './frame-server.ts';

const REFUSED_STREAM = 7;

const open: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function gatewayTo(ports: readonly number[], options: Partial<TestOptions> = {}): Promise<TestGateway> {
  const [upstreamPort, ...upstreamPorts] = ports as [number, ...number[]];
  const gateway = await startGateway({
    upstreamPort,
    upstreamPorts,
    server: { protocol: 'h2' },
    routes: [{ auth: 'none' }],
    ...options,
  });
  open.push(() => gateway.close());
  return gateway;
}

async function wireTo(gateway: TestGateway): Promise<Wire> {
  const wire = await Wire.open(gateway.port);
  open.push(async () => wire.close());
  return wire;
}

/** Two servers that speak in frames, and the requests that have reached them, in their order. */
class Pair {
  readonly servers: FrameServer[] = [];
  trailers = 0;
  readonly seen: { readonly server: FrameServer; readonly stream: number; readonly ended: boolean }[] = [];

  static async start(): Promise<Pair> {
    const pair = new Pair();
    for (let count = 0; count < 2; count += 1) {
      const server = await FrameServer.start();
      open.push(() => server.close());
      pair.servers.push(server);
    }
    return pair;
  }

  get ports(): number[] {
    return this.servers.map(({ port }) => port);
  }

  /** The request that has reached a server as the `count`th one. */
  async request(count: number): Promise<{ server: FrameServer; stream: number; ended: boolean }> {
    await eventually(
      () => this.#look(),
      (seen) => seen >= count,
    );
    return this.seen[count - 1] as (typeof this.seen)[number];
  }

  #look(): number {
    this.trailers = 0;
    for (const server of this.servers) {
      const known = this.seen.filter((one) => one.server === server);
      let heads = 0;
      for (const { type, stream, flags } of server.frames) {
        if (type !== types.headers) continue;
        const ended = (flags & END_STREAM) !== 0;
        // The first head has not ended the request.
        if (ended && known.some((one) => one.stream === stream && !one.ended)) this.trailers += 1;
        else {
          heads += 1;
          if (heads <= known.length) continue;
          known.push({ server, stream, ended });
          this.seen.push({ server, stream, ended });
        }
      }
    }
    return this.seen.length;
  }

  /** Resolves when so many bodies have ended, by a last piece or by trailers. */
  async ends(count: number): Promise<void> {
    const ends = (): number => {
      this.#look();
      return this.bodies.ends + this.trailers;
    };
    await eventually(ends, (seen) => seen === count);
  }

  /** Bytes of bodies that have reached any server, and whether one of them is whole. */
  get bodies(): { readonly text: string; readonly ends: number } {
    const data = this.servers.flatMap(({ frames }) => frames.filter(({ type }) => type === types.data));
    return {
      text: data.map(({ payload }) => payload.toString()).join(''),
      ends: data.filter(({ flags }) => (flags & END_STREAM) !== 0).length,
    };
  }
}

const ways = {
  REFUSED_STREAM: (stream: number) => frame(types.reset, 0, stream, uint32(REFUSED_STREAM)),
  GOAWAY: (stream: number) =>
    frame(types.goaway, 0, 0, Buffer.concat([uint32(Math.max(0, stream - 2)), uint32(0)])),
} as const;

const byNode: Partial<TestOptions> = {
  config: { listen: [{ host: '127.0.0.1', port: 0, protocols: ['http/1.1', 'h2c'] }] },
};

const HEAD = 'Host: a\r\n';
const CHUNKED = `POST /x HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

describe('a request that its server has not begun', () => {
  for (const [way, refusal] of Object.entries(ways)) {
    for (const [what, text, rest, ends] of [
      ['without a body', `POST /x HTTP/1.1\r\n${HEAD}\r\n`, '', 0],
      ['with an empty body in chunks', `${CHUNKED}0\r\n\r\n`, '', 2],
      ['with an empty body and trailers', `${CHUNKED}0\r\nX-Sum: 1\r\n\r\n`, '', 2],
      ['whose body comes later, in chunks', CHUNKED, '5\r\nhello\r\n0\r\n\r\n', 1],
      [
        'whose body comes later, with a length',
        `POST /x HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\n`,
        'hello',
        1,
      ],
    ] as const) {
      test(`is sent again after ${way}, ${what}`, async () => {
        const pair = await Pair.start();
        // The other engine hears of no trailers.
        const gateway = await gatewayTo(pair.ports, what.includes('trailers') ? byNode : {});
        const wire = await wireTo(gateway);
        wire.send(text);
        const first = await pair.request(1);
        // A body that is whole has reached the server before that refuses it.
        if (ends === 2) await pair.ends(1);
        first.server.send(refusal(first.stream));
        const second = await pair.request(2);
        wire.send(rest);
        await pair.ends(ends);
        assert.equal(pair.bodies.text, rest === '' ? '' : 'hello');
        assert.equal(second.ended, ends === 0);
        second.server.send(
          head(second.stream, [[':status', '200']], END_HEADERS),
          body(second.stream, 'ok', true),
        );
        assert.equal((await wire.response()).body, 'ok');
      });
    }

    test(`is not sent again after ${way} once bytes of its body have left`, async () => {
      const pair = await Pair.start();
      const gateway = await gatewayTo(pair.ports, { retries: { on: ['connect', 'reset', 'unavailable'] } });
      for (const method of ['POST', 'PUT']) {
        const wire = await wireTo(gateway);
        const before = pair.seen.length;
        wire.send(`${method} /x HTTP/1.1\r\n${HEAD}Content-Length: 10\r\n\r\nhello`);
        const { server, stream } = await pair.request(before + 1);
        await eventually(
          () => server.frames.some((one) => one.type === types.data && one.stream === stream),
          (has) => has,
        );
        server.send(refusal(stream));
        const { status, body: text } = await wire.response();
        assert.deepEqual([status, JSON.parse(text).code], [502, 'upstream_reset']);
        assert.equal((await pair.request(before + 1)).stream, stream);
        assert.equal(pair.seen.length, before + 1);
        for (const socket of server.sockets) socket.destroy();
      }
    });
  }

  test('goes to another server when it is refused again', async () => {
    const counts = { refused: 0, served: 0 };
    const [refusing, serving] = await Promise.all(
      (['refused', 'served'] as const).map(async (which) => {
        const server = createHttp2Server();
        server.on('stream', (stream) => {
          counts[which] += 1;
          stream.on('error', () => {});
          if (which === 'refused') stream.close(REFUSED_STREAM);
          else {
            stream.respond({ ':status': 200 });
            stream.end('ok');
          }
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        open.push(() => {
          server.close();
          return once(server, 'close');
        });
        return (server.address() as AddressInfo).port;
      }),
    );
    const gateway = await gatewayTo([refusing as number, serving as number]);
    const wire = await wireTo(gateway);
    for (let count = 0; count < 30; count += 1) {
      wire.send(`POST /x HTTP/1.1\r\n${HEAD}\r\n`);
      assert.equal((await wire.response()).status, 200);
    }
    assert.equal(counts.served, 30);
    assert.ok(counts.refused > 0);
  });

  test('is sent again for a client of HTTP/2 with an empty body', async () => {
    const pair = await Pair.start();
    const gateway = await gatewayTo(pair.ports, byNode);
    const session = connect(`http://127.0.0.1:${gateway.port}`);
    open.push(async () => session.destroy());
    const asked = session.request({ ':method': 'POST', ':path': '/x' });
    asked.end();
    const first = await pair.request(1);
    first.server.send(ways.REFUSED_STREAM(first.stream));
    const second = await pair.request(2);
    if (!second.ended) {
      await eventually(
        () => pair.bodies.ends,
        (ends) => ends >= 1,
      );
    }
    second.server.send(head(second.stream, [[':status', '204']], END_HEADERS | END_STREAM));
    const [fields] = await once(asked, 'response');
    assert.equal(fields[':status'], 204);
  });
});

describe('the body of a request', () => {
  const large = 'x'.repeat(300_000);

  /** A server that takes connections and says nothing. */
  async function silent(): Promise<{ port: number; received: () => string }> {
    const sockets = new Set<Socket>();
    let received = '';
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
      return once(server, 'close');
    });
    return { port: (server.address() as AddressInfo).port, received: () => received };
  }

  for (const [name, text] of [
    ['a length', `Content-Length: ${large.length}\r\n\r\n${large}`],
    ['chunks', `Transfer-Encoding: chunked\r\n\r\n${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`],
  ] as const) {
    test(`waits until the server has sent its settings, and goes whole to another one, with ${name}`, async () => {
      const bodies: string[] = [];
      const server = createHttp2Server();
      server.on('stream', async (stream) => {
        let whole = '';
        for await (const piece of stream) whole += piece;
        bodies.push(whole);
        stream.respond({ ':status': 200 }, { endStream: true });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      open.push(() => {
        server.close();
        return once(server, 'close');
      });
      const mute = await silent();
      const gateway = await gatewayTo([mute.port, (server.address() as AddressInfo).port], {
        timeouts: { connectMs: 300 },
        // Without reuse each request is the first one of a connection.
        reuse: false,
      });
      const REQUESTS = 6;
      for (let count = 0; count < REQUESTS; count += 1) {
        const wire = await wireTo(gateway);
        wire.send(`POST /x HTTP/1.1\r\n${HEAD}${text}`);
        assert.equal((await wire.response()).status, 200);
      }
      assert.deepEqual(
        bodies.map((one) => one === large),
        new Array(REQUESTS).fill(true),
      );
      assert.ok(!mute.received().includes('xx'));
    });
  }
});
