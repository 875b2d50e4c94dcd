import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createSecureContext, TLSSocket } from 'node:tls';
import { Authority } from '../support/authority.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { upstreamTls } from '../support/upstream-tls.ts';
import { assertNoHarm, type Harm } from './harm.ts';

/** A connection with a client, and the socket below its TLS. */
interface Peer {
  readonly socket: Socket;
  readonly raw: Socket;
}

/** What a server does with a connection. It gets the whole head of the request, unless it does not wait for it. */
interface Fault extends Harm {
  readonly waits?: false;
  act(peer: Peer, method: string): void;
}

const unavailable = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\n';
const busy = (method: string): string => unavailable + (method === 'HEAD' ? '' : 'busy');

const faults: readonly Fault[] = [
  { name: 'closes at once', waits: false, act: ({ socket }) => socket.destroy(), attempts: 2 },
  { name: 'ends its side at once', waits: false, act: ({ socket }) => socket.end(), attempts: 2 },
  { name: 'ends after the request', act: ({ socket }) => socket.end(), attempts: 2 },
  { name: 'resets after the request', act: ({ raw }) => void raw.resetAndDestroy(), attempts: 2 },
  { name: 'ends in the status line', act: ({ socket }) => socket.end('HTTP/1.1 20'), attempts: 1 },
  { name: 'resets in the head', act: (peer) => reset(peer, 'HTTP/1.1 200 OK\r\nX-A: '), attempts: 1 },
  {
    name: 'ends in the body',
    act: ({ socket }) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab'),
    attempts: 1,
  },
  {
    name: 'resets in the body',
    act: (peer) => reset(peer, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab'),
    attempts: 1,
  },
  {
    name: 'resets after 100',
    act: (peer) => reset(peer, 'HTTP/1.1 100 Continue\r\n\r\n'),
    attempts: 1,
  },
  {
    name: 'is unavailable after 103',
    act: ({ socket }, method) => socket.end(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${busy(method)}`),
    attempts: 1,
  },
  { name: 'is silent', act() {}, attempts: 1 },
  { name: 'sends no HTTP', act: ({ socket }) => socket.end('HTTP/1.1 abc\r\n\r\n'), attempts: 1 },
  { name: 'is unavailable', act: ({ socket }, method) => socket.end(busy(method)), attempts: 2 },
  {
    name: 'is unavailable at length',
    act: ({ socket }, method) => void socket.write(busy(method).slice(0, method === 'HEAD' ? undefined : -1)),
    endless: true,
    attempts: 2,
  },
];

function reset({ socket, raw }: Peer, text: string): void {
  // A reset drops what the other side has not read.
  socket.write(text, () => setImmediate(() => raw.resetAndDestroy()));
}

const authority = new Authority('upstream');
const secureContext = createSecureContext(authority.issue({ names: ['127.0.0.1'] }));

for (const secure of [false, true]) {
  describe(`a server${secure ? ' with TLS' : ''}`, () => {
    let fault: Fault;
    /** Connections, with TLS those whose handshake is over. */
    let accepted = 0;
    const sockets = new Set<Socket>();
    const servers: Server[] = [];
    let gateway: TestGateway;

    /** Every server has the same fault, so each attempt meets it. A connection carries one request. */
    function onConnection(raw: Socket): void {
      sockets.add(raw);
      raw.on('close', () => sockets.delete(raw));
      raw.on('error', () => {});
      if (!secure) serve({ socket: raw, raw });
      else {
        const socket = new TLSSocket(raw, { isServer: true, secureContext });
        socket.on('error', () => {});
        socket.once('secure', () => serve({ socket, raw }));
      }
    }

    function serve(peer: Peer): void {
      const its = fault;
      let head = '';
      accepted += 1;
      if (its.waits === false) {
        its.act(peer, '');
        return;
      }
      peer.socket.on('data', (bytes) => {
        const before = head;
        head += bytes.toString('latin1');
        if (!before.includes('\r\n\r\n') && head.includes('\r\n\r\n'))
          its.act(peer, head.split(' ', 1)[0] as string);
      });
    }

    before(async () => {
      for (let count = 0; count < 3; count += 1) {
        const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection).listen(
          0,
          '127.0.0.1',
        );
        await once(server, 'listening');
        servers.push(server);
      }
      const [first, ...others] = servers.map((server) => (server.address() as AddressInfo).port);
      gateway = await startGateway({
        upstreamPort: first as number,
        upstreamPorts: others,
        ...(secure ? { upstreamTls: upstreamTls(authority.cert) } : {}),
        routes: [{ auth: 'none' }],
        reuse: false,
        timeouts: { responseMs: 200 },
        retries: { budget: 1, on: ['connect', 'reset', 'unavailable'] },
      });
    });

    after(async () => {
      await gateway.close();
      for (const socket of sockets) socket.destroy();
      for (const server of servers) {
        server.close();
        await once(server, 'close');
      }
    });

    for (const one of faults) {
      test(`that ${one.name} gets no request again that may do harm`, async () => {
        fault = one;
        const kinds = ['none', 'length', 'chunked'] as const;
        await assertNoHarm({ fault, port: gateway.port, kinds, count: () => accepted });
      });
    }
  });
}
