import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { assertNoHarm, type Harm } from '../../exchange/harm.ts';
import { frame, types, uint32 } from '../../front/node/h2/frames.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { body, END_HEADERS, END_STREAM, FrameServer, head } from './frame-server.ts';

/** What a server does when it has the whole request. */
interface Fault extends Harm {
  act(socket: Socket, stream: number): void;
}

const INTERNAL_ERROR = 2;
const NO_ERROR = 0;
const CANCEL = 8;
const HTTP_1_1_REQUIRED = 13;
const ok = (stream: number): Buffer => head(stream, [[':status', '200']]);
const reset = (stream: number, code: number): Buffer => frame(types.reset, 0, stream, uint32(code));
const goaway = (stream: number, code: number): Buffer =>
  frame(types.goaway, 0, 0, Buffer.concat([uint32(stream), uint32(code)]));
/** The method of the request under way. */
let asked = '';
const unavailable = [
  [':status', '503'],
  ['retry-after', '7'],
] as const;
const busy = (stream: number): Buffer =>
  asked === 'HEAD'
    ? head(stream, unavailable, END_HEADERS | END_STREAM)
    : Buffer.concat([head(stream, unavailable), body(stream, 'busy', true)]);

/** Sends frames, and resets the connection once the gateway has read them. */
function thenReset(socket: Socket, bytes: Buffer): void {
  const payload = Buffer.from('received');
  socket.on('data', (data) => {
    if (data.includes(payload)) socket.resetAndDestroy();
  });
  socket.write(Buffer.concat([bytes, frame(types.ping, 0, 0, payload)]));
}

const faults: readonly Fault[] = [
  { name: 'ends the connection', act: (socket) => socket.end(), attempts: 2 },
  { name: 'resets the connection', act: (socket) => socket.resetAndDestroy(), attempts: 2 },
  {
    name: 'goes away with an error',
    act: (socket, stream) => socket.end(goaway(stream, INTERNAL_ERROR)),
    attempts: 2,
  },
  {
    name: 'goes away without an error, and ends',
    act: (socket, stream) => socket.end(goaway(stream, NO_ERROR)),
    attempts: 2,
  },
  ...[NO_ERROR, INTERNAL_ERROR, CANCEL, HTTP_1_1_REQUIRED].map(
    (code): Fault => ({
      name: `resets the request with code ${code}`,
      act: (socket, stream) => void socket.write(reset(stream, code)),
      attempts: 2,
    }),
  ),
  {
    name: 'resets the request behind its head',
    act: (socket, stream) => void socket.write(Buffer.concat([ok(stream), reset(stream, INTERNAL_ERROR)])),
    attempts: 1,
  },
  {
    name: 'resets the request in the body',
    act: (socket, stream) =>
      void socket.write(Buffer.concat([ok(stream), body(stream, 'ab'), reset(stream, INTERNAL_ERROR)])),
    attempts: 1,
  },
  {
    name: 'resets the connection in the body',
    act: (socket, stream) => thenReset(socket, Buffer.concat([ok(stream), body(stream, 'ab')])),
    attempts: 1,
  },
  {
    name: 'resets the connection after 103',
    act: (socket, stream) =>
      thenReset(
        socket,
        head(stream, [
          [':status', '103'],
          ['link', '</a>'],
        ]),
      ),
    attempts: 1,
  },
  {
    name: 'is unavailable after 103',
    act: (socket, stream) =>
      void socket.write(
        Buffer.concat([
          head(stream, [
            [':status', '103'],
            ['link', '</a>'],
          ]),
          busy(stream),
        ]),
      ),
    attempts: 1,
  },
  { name: 'is silent', act() {}, attempts: 1 },
  {
    name: 'sends a faulty head',
    act: (socket, stream) => void socket.write(head(stream, [['x', 'y']], END_HEADERS | END_STREAM)),
    attempts: 1,
  },
  { name: 'is unavailable', act: (socket, stream) => void socket.write(busy(stream)), attempts: 2 },
  {
    name: 'is unavailable at length',
    act: (socket, stream) =>
      void socket.write(
        asked === 'HEAD' ? busy(stream) : Buffer.concat([head(stream, unavailable), body(stream, 'bus')]),
      ),
    endless: true,
    attempts: 2,
  },
];

describe('a server of HTTP/2', () => {
  const servers: FrameServer[] = [];
  let gateway: TestGateway;
  let fault: Fault;

  before(async () => {
    for (let count = 0; count < 3; count += 1) {
      const server = await FrameServer.start();
      // Every server has the same fault, so each attempt meets it.
      server.onRequest = (socket, stream) => fault.act(socket, stream);
      servers.push(server);
    }
    const [first, ...others] = servers.map(({ port }) => port);
    gateway = await startGateway({
      upstreamPort: first as number,
      upstreamPorts: others,
      server: { protocol: 'h2' },
      routes: [{ auth: 'none' }],
      reuse: false,
      timeouts: { responseMs: 200 },
      retries: { budget: 1, on: ['connect', 'reset', 'unavailable'] },
    });
  });
  after(async () => {
    await gateway.close();
    for (const server of servers) await server.close();
  });

  const requests = (): number =>
    servers.reduce((sum, { frames }) => sum + frames.filter(({ type }) => type === types.headers).length, 0);

  for (const one of faults) {
    test(`that ${one.name} gets no request again that may do harm`, async () => {
      fault = one;
      await assertNoHarm({
        fault,
        port: gateway.port,
        kinds: ['none', 'length', 'chunked', 'empty'],
        count: requests,
        beforeMethod: (method) => {
          asked = method;
        },
      });
    });
  }
});
