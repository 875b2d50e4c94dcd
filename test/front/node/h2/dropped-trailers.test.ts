import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { startGateway, type TestGateway } from '../../../support/gateway.ts';
import { Origin } from '../../../support/origin.ts';

const bare = { headers: new Map(), token: 'keep', forwarded: new Set<never>() } as const;
const responseHeaders = { set: new Map([['X-Set', 'ours']]), remove: ['X-Removed'] };

/** The trailers that upstream sends, by path, and what a client gets of them. */
const rows: Readonly<Record<string, readonly [sent: string, received: readonly (readonly string[])[]]>> = {
  '/connection': ['Connection: x\r\nKeep-Alive: timeout=1\r\n', []],
  '/framing': ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', []],
  '/upgrade': ['Upgrade: x\r\nProxy-Connection: x\r\n', []],
  '/mixed': ['Content-Length: 5\r\nX-Sum: 1\r\nConnection: x\r\n', [['x-sum', '1']]],
  '/route/all': ['X-Removed: a\r\nx-set: theirs\r\n', []],
  '/route/some': ['X-Removed: a\r\nX-Sum: 1\r\nX-SET: theirs\r\n', [['x-sum', '1']]],
};

describe('a chunked response whose trailers clients must not get', () => {
  let origin: Origin;
  let gateway: TestGateway;

  before(async () => {
    origin = await Origin.start();
    origin.serve((request) => {
      const [, path = ''] = request.split(' ');
      const [trailers = ''] = rows[path] ?? [];
      return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`;
    });
    gateway = await startGateway({
      upstreamPort: origin.port,
      routes: [
        { auth: 'none', forward: bare },
        {
          name: '/route',
          match: { host: undefined, path: '/route', methods: undefined },
          auth: 'none',
          forward: bare,
          responseHeaders,
        },
      ],
      config: { listen: [{ host: '127.0.0.1', port: 0, protocols: ['h2c'] }] },
    });
  });

  after(async () => {
    await gateway.close();
    await origin.close();
  });

  for (const [path, [, received]] of Object.entries(rows)) {
    test(`ends, and has the other trailers: ${path}`, async () => {
      const session = connect(`http://127.0.0.1:${gateway.port}`);
      try {
        const stream = session.request({ ':path': path });
        const trailers: string[][] = [];
        stream.on('trailers', (fields: IncomingHttpHeaders) => {
          for (const [name, value] of Object.entries(fields)) trailers.push([name, String(value)]);
        });
        const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
        let body = '';
        for await (const chunk of stream.setEncoding('latin1')) body += chunk;
        assert.equal(head[':status'], 200);
        assert.equal(head['x-set'], path.startsWith('/route') ? 'ours' : undefined);
        assert.equal(body, 'ok');
        assert.deepEqual(trailers, received);
      } finally {
        session.destroy();
      }
    });
  }
});
