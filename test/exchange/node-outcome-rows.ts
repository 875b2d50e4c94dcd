import type { TestOptions } from '../support/gateway.ts';
import { ask, type OutcomeRow, SECRET } from './outcome-rows.ts';

const onNode = (): Partial<TestOptions> => ({
  config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }] },
});

const head = (line: string, ...fields: string[]): string =>
  `${[line, 'Host: a.example', `Cookie: session=${SECRET}`, ...fields].join('\r\n')}\r\n\r\n`;

/** A route for WebSockets of one origin, of which none may be open. */
const upgrading = (): Partial<TestOptions> => ({
  routes: [{ auth: 'none', upgrade: ['websocket'], origins: ['https://app.example'] }],
  config: { ...onNode().config, limits: { tunnels: 0 } },
});

const webSocket = (...fields: string[]): string =>
  head(
    `GET /orders?access_token=${SECRET} HTTP/1.1`,
    ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
    ...fields,
  );

/** Ways to end that only the front on Node.js's own sockets knows. */
export const nodeRows: readonly OutcomeRow[] = [
  {
    outcome: 'http_version_not_supported',
    when: 'it is HTTP/1.2',
    status: 505,
    options: onNode,
    drive: (play) => ask(play, head(`GET /orders?access_token=${SECRET} HTTP/1.2`)),
  },
  {
    outcome: 'transfer_coding_not_supported',
    when: 'its body is compressed before it is chunked',
    status: 501,
    options: onNode,
    drive: (play) =>
      ask(play, head(`POST /orders?access_token=${SECRET} HTTP/1.1`, 'Transfer-Encoding: gzip, chunked')),
  },
  {
    outcome: 'options_answered',
    when: 'it asks for the server in general',
    status: 204,
    path: '*',
    options: onNode,
    drive: (play) => ask(play, head('OPTIONS * HTTP/1.1')),
  },
  {
    outcome: 'redirected',
    when: 'its address redirects to https',
    status: 308,
    options: () => ({
      config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', redirect: 'https' }] },
    }),
    drive: (play) => ask(play, head(`GET /orders?access_token=${SECRET} HTTP/1.1`)),
  },
  {
    outcome: 'upgrade_not_allowed',
    when: 'it asks for another version of WebSocket',
    status: 426,
    options: () => upgrading(),
    drive: (play) => ask(play, webSocket('Sec-WebSocket-Version: 8')),
  },
  {
    outcome: 'origin_not_allowed',
    when: 'a page of another origin asks for a WebSocket',
    status: 403,
    options: () => upgrading(),
    drive: (play) => ask(play, webSocket('Sec-WebSocket-Version: 13', 'Origin: https://evil.example')),
  },
  {
    outcome: 'tunnels_exhausted',
    when: 'as many WebSockets as may be are open',
    status: 503,
    options: () => upgrading(),
    drive: (play) => ask(play, webSocket('Sec-WebSocket-Version: 13')),
  },
];
