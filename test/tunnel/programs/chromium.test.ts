// Pages in a headless Chromium, with the lines of docs/websocket.md.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { WebSocketServer } from 'ws';
import type { RouteConfig } from '../../../src/config/config.ts';
import { Chromium } from '../../support/chromium.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { needs } from '../../support/programs.ts';
import { secondsFromNow } from '../../support/tokens.ts';
import { startTunnels } from './ws-peers.ts';

const documentation = readFileSync(
  join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'websocket.md'),
  'utf8',
);
/** The line that opens the WebSocket with a token, and the lines by which a client comes back. */
const [comingBack = '', withToken = ''] = [...documentation.matchAll(/```js\n(.*?)```/gs)].map(
  ([, lines = '']) => lines,
);

describe('a page in Chromium', needs('chromium'), () => {
  let chromium: Chromium;
  let pages: Server;
  let gateway: TestGateway;
  let upstream: Server;
  let serve: (request: IncomingMessage, response: ServerResponse) => void;
  /** Requests for WebSockets that have reached the server. */
  const asked: IncomingMessage[] = [];

  const listen = async (server: Server): Promise<number> => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  before(async () => {
    chromium = await Chromium.start();
    pages = createServer((_, response) =>
      response.setHeader('Content-Type', 'text/html').end('<!doctype html>'),
    );
    await listen(pages);
    upstream = createServer((request, response) => serve(request, response));
    await listen(upstream);
    const echo = new WebSocketServer({ server: upstream });
    echo.on('connection', (socket, request) => {
      asked.push(request);
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
  });
  after(async () => {
    await chromium.close();
    for (const server of [pages, upstream]) {
      server.closeAllConnections();
      server.close();
    }
  });
  afterEach(() => gateway.close());

  const start = async (routes: readonly Partial<RouteConfig>[]): Promise<void> => {
    gateway = await startTunnels(portOf(upstream), { routes, issuer: { clockToleranceMs: 0 } });
  };
  const live = (): Partial<RouteConfig> => ({
    upgrade: ['websocket'],
    origins: [`http://127.0.0.1:${portOf(pages)}`],
    token: [{ kind: 'protocol', name: 'bearer' }],
  });
  const tokenOf = (claims = {}): string => gateway.bearer(claims).slice('Bearer '.length);
  const address = (): string => `ws://127.0.0.1:${gateway.port}/live`;

  test('opens a WebSocket with its token among the subprotocols, sees its end, and comes back', async () => {
    await start([live()]);
    const page = await chromium.open(`http://127.0.0.1:${portOf(pages)}/`);
    const opening = /new WebSocket\('wss:[^']*', (\[.*\])\)/.exec(withToken)?.[1];
    assert.equal(opening, "['bearer', token, 'chat']");
    // The lines of the documentation, with another address, its way to give a token, and eyes on what happens.
    const lines = comingBack.replace(
      /new WebSocket\('[^']*'\)/,
      `watched(new WebSocket('${address()}', ${opening}))`,
    );
    assert.notEqual(lines, comingBack);
    const seen = await page.run(`new Promise((resolve) => {
      const seen = [];
      let token = '${tokenOf({ exp: secondsFromNow(4) })}';
      const fetchFreshToken = async () => {
        seen.push('fetch');
        token = '${tokenOf()}';
      };
      const watched = (socket) => {
        socket.addEventListener('open', () => {
          seen.push('open ' + socket.protocol);
          socket.send('hello');
        });
        socket.addEventListener('message', ({ data }) => {
          seen.push(data);
          if (seen.filter((one) => one === 'hello').length === 2) resolve(seen);
        });
        socket.addEventListener('close', ({ code, reason, wasClean }) => seen.push([code, reason, wasClean].join(' ')));
        return socket;
      };
      ${lines}
      connect();
    })`);
    assert.deepEqual(seen, [
      ...['open chat', 'hello', '1008 token_expired true'],
      ...['fetch', 'open chat', 'hello'],
    ]);
    assert.equal(asked.at(-1)?.headers['sec-websocket-protocol'], 'chat');
  });

  test('of another origin opens none', async () => {
    await start([live()]);
    const page = await chromium.open(`http://localhost:${portOf(pages)}/`);
    const before = asked.length;
    const seen = await page.run(`new Promise((resolve) => {
      const socket = new WebSocket('${address()}', ['bearer', '${tokenOf()}', 'chat']);
      socket.onopen = () => resolve('open');
      socket.onclose = ({ code }) => resolve(code);
    })`);
    assert.equal(seen, 1006);
    assert.equal(asked.length, before);
    assert.equal((await gateway.outcomes())['origin_not_allowed'], 1);
  });

  test('gets events one by one with its token in a cookie, and reconnects behind the last one', async () => {
    const path = (of: string): RouteConfig['match'] => ({ host: undefined, path: of, methods: undefined });
    const token = [{ kind: 'cookie', name: 'session' }] as const;
    await start([
      { name: '/page', match: path('/page'), auth: 'none' },
      { name: '/events', match: path('/events'), token },
    ]);
    let stream: ServerResponse | undefined;
    const lastIds: (string | undefined)[] = [];
    serve = (request, response) => {
      const id = Number(/^\/events\/seen\?(\d+)/.exec(request.url ?? '')?.[1] ?? -1);
      if (request.url === '/page') {
        const session = `session=${tokenOf()}; Path=/; HttpOnly; SameSite=Strict`;
        response
          .writeHead(200, { 'Content-Type': 'text/html', 'Set-Cookie': session })
          .end('<!doctype html>');
      } else if (request.url === '/events') {
        const last = request.headers['last-event-id'] as string | undefined;
        lastIds.push(last);
        stream = response;
        response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
        response.write(`retry: 20\nid: ${Number(last ?? -1) + 1}\ndata: event\n\n`);
      } else {
        // The page has seen an event, so the next one may come; the stream ends behind the third of them.
        response.end();
        if (id === 2) stream?.end();
        else stream?.write(`id: ${id + 1}\ndata: event\n\n`);
      }
    };
    const page = await chromium.open(`http://127.0.0.1:${gateway.port}/page`);
    const seen = await page.run(`new Promise((resolve) => {
      const seen = [];
      const events = new EventSource('/events');
      events.onerror = () => seen.push('error ' + events.readyState);
      events.onmessage = ({ lastEventId }) => {
        seen.push(lastEventId);
        if (seen.length < 6) fetch('/events/seen?' + lastEventId);
        else {
          events.close();
          resolve(seen);
        }
      };
    })`);
    assert.deepEqual(seen, ['0', '1', '2', 'error 0', '3', '4']);
    assert.deepEqual(lastIds, [undefined, '2']);
  });
});
