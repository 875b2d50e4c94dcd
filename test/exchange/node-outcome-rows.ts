import type { TestOptions } from '../support/gateway.ts';
import { ask, type OutcomeRow, SECRET } from './outcome-rows.ts';

const onNode = (): Partial<TestOptions> => ({
  config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }] },
});

const head = (line: string, ...fields: string[]): string =>
  `${[line, 'Host: a.example', `Cookie: session=${SECRET}`, ...fields].join('\r\n')}\r\n\r\n`;

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
];
