// socket.io on both sides of a gateway: by polling, by WebSocket, and with several servers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { Server } from 'socket.io';
import { io, type ManagerOptions, type Socket } from 'socket.io-client';
import type { TestGateway, TestOptions } from '../../support/gateway.ts';
import { revocation, revoke } from '../../support/revocation.ts';
import { startTunnels } from './ws-peers.ts';

type Transports = NonNullable<ManagerOptions['transports']>;

/** A server that answers `who` with its port and what the client has told it before, which it has in its memory. */
async function serve(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  // More pings than usual, so that the heartbeat of socket.io has its part.
  const server = new Server(http, { pingInterval: 200, pingTimeout: 30_000 });
  server.on('connection', (socket) => {
    const told: string[] = [];
    socket.on('tell', (text: string, done: (count: number) => void) => done(told.push(text)));
    socket.on('who', (done: (port: number, told: readonly string[]) => void) => done(port, told));
  });
  return {
    port,
    close: async () => {
      await server.close();
    },
  };
}

const sockets: Socket[] = [];
let gateway: TestGateway;
let servers: Awaited<ReturnType<typeof serve>>[] = [];

before(async () => {
  servers = [await serve(), await serve(), await serve()];
});
after(async () => {
  for (const server of servers) await server.close();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await gateway.close();
});

async function start(count: number, options: Partial<TestOptions> = {}): Promise<void> {
  const [first = 0, ...upstreamPorts] = servers.slice(0, count).map(({ port }) => port);
  gateway = await startTunnels(first, {
    upstreamPorts,
    issuer: { clockToleranceMs: 0 },
    config: { revocation },
    ...options,
  });
}

/** A client with the lines of docs/websocket.md. @param address of the client, on this machine. */
function client(transports: Transports, bearer: () => string, address = '127.0.0.1'): Socket {
  const extraHeaders = { authorization: bearer() };
  const agent = new Agent({ localAddress: address }) as unknown as string;
  const socket = io(`http://127.0.0.1:${gateway.port}`, {
    transports,
    agent,
    extraHeaders,
    forceNew: true,
    reconnectionDelay: 20,
    reconnectionDelayMax: 50,
    autoConnect: false,
  });
  socket.io.on('reconnect_attempt', () => {
    extraHeaders.authorization = bearer();
  });
  sockets.push(socket);
  return socket;
}

/** The first argument of the next event of this name. */
function next(
  emitter: { once(name: string, listener: (value: unknown) => void): unknown },
  name: string,
): Promise<unknown> {
  return new Promise((resolve) => emitter.once(name, resolve));
}

const transportOf = (socket: Socket): string | undefined => socket.io.engine.transport.name;

/** Resolves when the client is connected. Rejects at the first error. */
async function connected(socket: Socket): Promise<void> {
  socket.connect();
  await Promise.race([
    next(socket, 'connect'),
    next(socket, 'connect_error').then((error) => Promise.reject(error)),
  ]);
}

/** The same, by the last of its transports, to which it may have come before it is connected. */
async function connectedBy(socket: Socket, transports: Transports): Promise<void> {
  const upgraded = next(socket.io, 'open').then(() => next(socket.io.engine, 'upgrade'));
  await connected(socket);
  if (transports.length > 1) await upgraded;
  assert.equal(transportOf(socket), transports.at(-1));
}

/** Tells the server three texts, each acknowledged, and yields the port of that server. */
async function talk(socket: Socket): Promise<number> {
  const texts = ['one', 'two', 'three'];
  for (const [at, text] of texts.entries()) assert.equal(await socket.emitWithAck('tell', text), at + 1);
  const [port, told] = await new Promise<[number, unknown]>((resolve) =>
    socket.emit('who', (...answer: [number, unknown]) => resolve(answer)),
  );
  assert.deepEqual(told, texts);
  return port;
}

describe('socket.io behind a gateway', () => {
  for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']] satisfies Transports[]) {
    test(`by ${transports.join(', then ')}`, async () => {
      await start(1);
      const socket = client(transports, gateway.bearer);
      await connectedBy(socket, transports);
      await talk(socket);
      await next(socket.io, 'ping');
      const large = 'x'.repeat(200_000);
      assert.equal(await socket.emitWithAck('tell', large), 4);
    });

    test(`by ${transports.join(', then ')}: a token that ends, and a fresh one`, async () => {
      await start(1);
      let tokens = 0;
      const socket = client(transports, () => {
        tokens += 1;
        return gateway.bearer(tokens === 1 ? { sub: 'first' } : { sub: 'second' });
      });
      await connectedBy(socket, transports);
      const left = next(socket, 'disconnect');
      const back = next(socket, 'connect');
      await revoke(gateway.adminPort, { sub: 'first' });
      const reason = await left;
      // For polling the next request is refused; a WebSocket is closed with 1008.
      assert.equal(reason, transports.at(-1) === 'polling' ? 'transport error' : 'transport close');
      await back;
      assert.equal(tokens, 2);
      await talk(socket);
    });
  }

  test('without a token: the client sees an error', async () => {
    await start(1);
    for (const transport of ['polling', 'websocket'] as const) {
      await assert.rejects(connected(client([transport], () => '')), {
        message: /^(?:xhr poll|websocket) error$/,
      });
    }
  });

  const clients = async (transports: Transports): Promise<Socket[]> => {
    const all = Array.from({ length: 12 }, (_, at) =>
      client(transports, gateway.bearer, `127.0.0.${at + 2}`),
    );
    await Promise.all(all.map(connected));
    return all;
  };

  test('with several servers: every request of a client reaches the one with its session', async () => {
    await start(3, { balance: { hash: { kind: 'client' }, sticky: true } });
    const ports = await Promise.all((await clients(['polling'])).map(talk));
    const again = await Promise.all((await clients(['polling', 'websocket'])).map(talk));
    assert.deepEqual(again, ports);
    assert.ok(new Set(ports).size > 1, 'all clients are at one server');
  });

  test('with several servers and another balance: polling loses its session, a WebSocket does not', async () => {
    await start(3, { balance: 'round-robin' });
    await assert.rejects(connected(client(['polling'], gateway.bearer)), {
      message: /^xhr (?:poll|post) error$/,
    });
    await Promise.all((await clients(['websocket'])).map(talk));
  });
});
