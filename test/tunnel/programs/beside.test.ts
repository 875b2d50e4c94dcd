// What nginx and HAProxy do with the same requests for a WebSocket, as the measure.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { startGateway, testBearer } from '../../support/gateway.ts';
import { needs } from '../../support/programs.ts';
import { Running } from '../../support/running.ts';
import { accepting, asking, handshake, type Peer, PeerServer, textFrame, tunnelOptions } from '../peers.ts';
import { IDLE_MS, isUpgrade, type Played, play, startHaproxyBeside, startNginx } from './beside.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** A server that upgrades whoever asks. */
const willing = (asked: string): string => (isUpgrade(asked) ? accepting() : OK);
const ask = (fields = handshake()): string => asking(testBearer(), fields);

interface Row {
  readonly request: string;
  readonly respond?: (asked: string) => string;
  /** What is done behind the answer, and what is seen then. */
  readonly follow?: (client: Peer, server: Peer) => Promise<string>;
  readonly portcullis: string;
  readonly nginx: string;
  readonly haproxy: string;
  /** Why the first is not as the others. */
  readonly why?: string;
}

/** What a peer has got when the other has left. */
async function endOf(peer: Peer): Promise<string> {
  await peer.end();
  return peer.received === '' ? 'end' : `end behind ${peer.received.length} bytes`;
}

const rows: Readonly<Record<string, Row>> = {
  'a valid handshake': {
    request: ask(),
    follow: async (client, server) => {
      client.send('up');
      await server.until('up');
      server.send(textFrame('down'));
      await client.until(textFrame('down'));
      return 'both ways';
    },
    portcullis: 'asked, 101, both ways',
    nginx: 'asked, 101, both ways',
    haproxy: 'asked, 101, both ways',
  },
  'another version': {
    request: ask(handshake().replace('Version: 13', 'Version: 8')),
    portcullis: '426',
    nginx: 'asked, 101',
    haproxy: 'asked, 101',
    why: 'RFC 6455 §4.2.1: a server that does not look would speak another protocol than the client',
  },
  'no key': {
    request: ask(handshake().replace(/Sec-WebSocket-Key.*\r\n/, '')),
    portcullis: '400',
    nginx: 'asked, 101',
    haproxy: '400',
    why: 'RFC 6455 §4.2.1: without it the answer proves nothing; nginx does not look',
  },
  POST: {
    request: ask(handshake('Content-Length: 0\r\n')).replace('GET', 'POST'),
    portcullis: '400',
    nginx: 'asked, 101',
    haproxy: 'asked, 101',
    why: 'RFC 6455 §4.1: the method is GET',
  },
  'HTTP/1.0': {
    request: ask().replace('HTTP/1.1', 'HTTP/1.0'),
    portcullis: 'without, 200',
    nginx: 'asked, 101',
    haproxy: 'asked, 101',
    why: 'RFC 9110 §7.8: Upgrade of HTTP/1.0 is ignored',
  },
  'a wrong answer to the key': {
    request: ask(),
    respond: () => accepting('', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='),
    portcullis: 'asked, 502',
    nginx: 'asked, 101',
    haproxy: 'asked, 101',
    why: 'RFC 6455 §4.1: such a server has not understood, and the bytes of the client could be taken for requests',
  },
  '200 in place of 101': {
    request: ask(),
    respond: () => OK,
    portcullis: 'asked, 200',
    nginx: 'asked, 200',
    haproxy: 'asked, 200',
  },
  'another protocol': {
    request: ask('Connection: Upgrade\r\nUpgrade: foo\r\n'),
    portcullis: 'without, 200',
    nginx: 'asked, 101',
    haproxy: 'asked, 101',
    why: 'only what the route names may pass unread',
  },
  h2c: {
    request: ask(
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
    ),
    portcullis: 'without, 200',
    nginx: 'asked, 101',
    haproxy: 'asked, 101',
    why: 'behind it the client would send requests that no rule sees',
  },
  'the end of the client alone': {
    request: ask(),
    follow: async (client, server) => {
      client.socket.end();
      const seen = await endOf(server);
      server.send(textFrame('after'));
      server.socket.end();
      await client.end();
      return `${seen}, ${client.received === textFrame('after') ? 'the rest arrives' : 'the rest is lost'}`;
    },
    portcullis: 'asked, 101, end, the rest arrives',
    nginx: 'asked, 101, end, the rest is lost',
    haproxy: 'asked, 101, end, the rest arrives',
    why: 'nginx ends both sides when one ends',
  },
  'the end of the server alone': {
    request: ask(),
    follow: async (client, server) => {
      server.socket.end();
      const seen = await endOf(client);
      client.send('after');
      client.socket.end();
      await server.end();
      return `${seen}, ${server.received === 'after' ? 'the rest arrives' : 'the rest is lost'}`;
    },
    portcullis: 'asked, 101, end, the rest arrives',
    nginx: 'asked, 101, end, the rest is lost',
    haproxy: 'asked, 101, end, the rest is lost',
    why: 'both end a connection whose server has ended its side; here either side may go on',
  },
  'bytes of the client behind its request': {
    request: `${ask()}early`,
    follow: async (_, server) => {
      await server.until('early');
      return 'early arrives';
    },
    portcullis: 'asked, 101, early arrives',
    nginx: 'asked, 101, early arrives',
    haproxy: 'asked, 101, early arrives',
  },
  'bytes of the server behind its 101': {
    request: ask(),
    respond: () => `${accepting()}${textFrame('first')}`,
    follow: async (client) => {
      await client.until(textFrame('first'));
      return 'first arrives';
    },
    portcullis: 'asked, 101, first arrives',
    nginx: 'asked, 101, first arrives',
    haproxy: 'asked, 101, first arrives',
  },
  'a server that resets': {
    request: ask(),
    follow: async (client, server) => {
      server.socket.resetAndDestroy();
      const seen = await endOf(client);
      return client.wasReset ? 'reset' : seen;
    },
    portcullis: 'asked, 101, reset',
    nginx: 'asked, 101, end',
    haproxy: 'asked, 101, end',
    why: 'a connection that broke must not look like one that its server has ended',
  },
  'a client that resets': {
    request: ask(),
    follow: (client, server) => {
      client.socket.resetAndDestroy();
      return endOf(server);
    },
    portcullis: 'asked, 101, end',
    nginx: 'asked, 101, end',
    haproxy: 'asked, 101, end',
  },
  'nothing but pings of the server': {
    request: ask(),
    follow: async (client, server) => {
      const until = performance.now() + IDLE_MS * 1.5;
      while (performance.now() < until) {
        server.send('\x89\x00');
        await client.until('\x89\x00');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const open = !client.ended && !server.ended;
      await Promise.all([client.end(), server.end()]);
      return `${open ? 'open' : 'ended'} until they stop`;
    },
    portcullis: 'asked, 101, open until they stop',
    nginx: 'asked, 101, open until they stop',
    haproxy: 'asked, 101, open until they stop',
  },
};

type Program = 'portcullis' | 'nginx' | 'haproxy';

const running = new Running();
after(() => running.close());

for (const program of ['portcullis', 'nginx', 'haproxy'] satisfies Program[]) {
  const options = program === 'portcullis' ? {} : needs(program === 'nginx' ? 'nginx' : 'haproxy');
  describe(`${program}, with`, options, () => {
    let upstream: PeerServer;
    let port = 0;
    let close: () => Promise<void> = async () => {};
    let played: Played | undefined;

    before(async () => {
      upstream = await PeerServer.start();
      if (program === 'nginx') port = await startNginx(running, upstream.port);
      else {
        const started =
          program === 'haproxy'
            ? await startHaproxyBeside(upstream.port)
            : await startGateway(tunnelOptions(upstream, { config: { timeouts: { tunnelMs: IDLE_MS } } }));
        port = started.port;
        close = () => started.close();
      }
    });
    afterEach(() => {
      played?.client.socket.destroy();
      played?.server?.socket.destroy();
    });
    after(async () => {
      await close();
      await upstream.close();
    });

    for (const [what, row] of Object.entries(rows)) {
      test(`${what}: ${row[program]}`, async () => {
        played = await play(port, upstream, row.request, row.respond ?? willing);
        const { client, server, outcome } = played;
        const more = server === undefined ? undefined : await row.follow?.(client, server);
        assert.equal(more === undefined ? outcome : `${outcome}, ${more}`, row[program]);
      });
    }
  });
}

test('each difference has its reason', () => {
  for (const [what, { portcullis, nginx, haproxy, why }] of Object.entries(rows)) {
    assert.equal(portcullis === nginx && portcullis === haproxy, why === undefined, what);
  }
});
