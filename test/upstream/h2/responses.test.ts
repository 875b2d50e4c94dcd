import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { frame, types, uint32 } from '../../front/node/h2/frames.ts';
import { eventually } from '../../support/gateway.ts';
import { TestPool } from './asking.ts';
import { body, END_HEADERS, END_STREAM, FrameServer, head } from './frame-server.ts';

let server: FrameServer;
let app: TestPool;

beforeEach(async () => {
  server = await FrameServer.start();
  app = new TestPool(server.port);
});
afterEach(async () => {
  app.pool.close();
  await server.close();
});

const reset = (stream: number, code: number): Buffer => frame(types.reset, 0, stream, uint32(code));

describe('a response by HTTP/2', () => {
  test('reaches its request in one piece where it arrives in one', async () => {
    const heard = app.ask();
    await server.requests(1);
    server.send(
      head(1, [
        [':status', '200'],
        ['content-length', '2'],
        ['x-a', '1'],
        ['date', 'Sun, 06 Nov 1994 08:49:37 GMT'],
      ]),
      body(1, 'hi', true),
    );
    await heard.end();
    assert.equal(heard.head?.lines, '200 OK\r\nx-a: 1');
    assert.deepEqual([heard.head?.framing, heard.head?.contentLength], ['length', 2]);
    assert.deepEqual([heard.body, heard.calls, heard.complete], ['hi', 1, true]);
  });

  test('without a body has the length 0', async () => {
    const heard = app.ask();
    await server.requests(1);
    server.send(head(1, [[':status', '200']], END_HEADERS | END_STREAM));
    await heard.end();
    assert.deepEqual([heard.head?.framing, heard.head?.contentLength, heard.calls], ['length', 0, 1]);
  });

  test('to HEAD keeps the length of a body that it does not have', async () => {
    const heard = app.ask('HEAD');
    await server.requests(1);
    server.send(
      head(
        1,
        [
          [':status', '200'],
          ['content-length', '7'],
        ],
        END_HEADERS | END_STREAM,
      ),
    );
    await heard.end();
    assert.deepEqual([heard.head?.framing, heard.head?.contentLength, heard.complete], ['none', 7, true]);
  });

  test('may come behind interim ones, and before trailers', async () => {
    const heard = app.ask();
    await server.requests(1);
    server.send(
      head(1, [
        [':status', '103'],
        ['link', '</a>'],
      ]),
      head(1, [[':status', '200']]),
      body(1, 'hi'),
      head(
        1,
        [
          ['x-sum', '42'],
          ['content-type', 'a/b'],
        ],
        END_HEADERS | END_STREAM,
      ),
    );
    await heard.end();
    assert.deepEqual(
      heard.interims.map(({ lines }) => lines),
      ['103 Early Hints\r\nlink: </a>'],
    );
    assert.equal(heard.head?.framing, 'chunked');
    assert.deepEqual(heard.trailers, { names: ['x-sum'], values: ['42'] });
    assert.equal(heard.body, 'hi');
  });

  test('loses a field with a control character', async () => {
    const heard = app.ask();
    await server.requests(1);
    const block = head(1, [
      [':status', '200'],
      ['x-a', '1\nx-b: 2'],
      ['x-c', '3\0'],
      ['x-d', '4'],
    ]);
    server.send(block, body(1, 'hi', true));
    await heard.end();
    assert.equal(heard.head?.lines, '200 OK\r\nx-d: 4');
  });

  test('is not whole when the server resets it without an error', async () => {
    for (const [stream, hasBody] of [
      [1, false],
      [3, true],
    ] as const) {
      const heard = app.ask(hasBody ? 'POST' : 'GET', hasBody);
      await server.requests((stream + 1) / 2);
      server.send(head(stream, [[':status', '200']]), body(stream, 'half'), reset(stream, 0));
      const { reason, responseBegun, sent } = await heard.fails();
      assert.deepEqual([reason, responseBegun, sent], ['upstream_reset', true, hasBody ? 'part' : 'all']);
      assert.equal(heard.body, 'half');
    }
  });

  test('is whole although the server resets the rest of the request', async () => {
    const heard = app.ask('POST', true);
    await server.requests(1);
    server.send(head(1, [[':status', '413']]), body(1, 'no', true), reset(1, 0));
    await heard.end();
    assert.deepEqual([heard.body, heard.complete, heard.stream.outlasted], ['no', true, false]);
  });

  test('is whole although its connection is closed before a slow client has taken it', async () => {
    const heard = app.ask();
    await server.requests(1);
    heard.stream.pause();
    server.send(head(1, [[':status', '200']]), body(1, 'a'.repeat(10_000)), body(1, 'b'.repeat(6_000), true));
    server.sockets[0]?.end();
    await new Promise((done) => server.sockets[0]?.once('close', done));
    heard.stream.resume();
    await heard.end();
    assert.deepEqual([heard.complete, heard.body.length, heard.failure], [true, 16_000, undefined]);
  });
});

describe('a response by HTTP/2 is refused', () => {
  const faults: readonly (readonly [what: string, send: () => readonly Buffer[], fault: RegExp])[] = [
    ['with a status of two digits', () => [head(1, [[':status', '20']])], /status_code|protocol_error/],
    ['that switches protocols', () => [head(1, [[':status', '101']])], /status_code|protocol_error/],
    ['without a status', () => [head(1, [['x-a', '1']])], /status_code|protocol_error/],
    [
      'with two of them',
      () => [
        head(1, [
          [':status', '200'],
          [':status', '200'],
        ]),
      ],
      /status_code|protocol_error/,
    ],
    [
      'with a field of a connection',
      () => [
        head(1, [
          [':status', '200'],
          ['connection', 'close'],
        ]),
      ],
      /connection_field|protocol_error/,
    ],
    [
      'with a coding',
      () => [
        head(1, [
          [':status', '200'],
          ['transfer-encoding', 'chunked'],
        ]),
      ],
      /connection_field|protocol_error/,
    ],
    [
      'with an upper-case name',
      () => [
        head(1, [
          [':status', '200'],
          ['X-A', '1'],
        ]),
      ],
      /header_name|protocol_error/,
    ],
    [
      'with two lengths',
      () => [
        head(1, [
          [':status', '200'],
          ['content-length', '1'],
          ['content-length', '2'],
        ]),
      ],
      /two_lengths|protocol_error/,
    ],
    [
      'with a length that is no number',
      () => [
        head(1, [
          [':status', '200'],
          ['content-length', '1x'],
        ]),
      ],
      /content_length|protocol_error/,
    ],
    [
      'with a body that is too short',
      () => [
        head(1, [
          [':status', '200'],
          ['content-length', '3'],
        ]),
        body(1, 'hi', true),
      ],
      /body_length|protocol_error/,
    ],
    [
      'with a body that is too long',
      () => [
        head(1, [
          [':status', '200'],
          ['content-length', '1'],
        ]),
        body(1, 'hi', true),
      ],
      /body_length|protocol_error/,
    ],
    [
      'with a body behind 204',
      () => [head(1, [[':status', '204']]), body(1, 'hi', true)],
      /body_length|protocol_error/,
    ],
    [
      'with a head of more bytes than the limit',
      () => [
        head(1, [
          [':status', '200'],
          ['x-a', 'a'.repeat(5_000)],
        ]),
      ],
      /head_too_large/,
    ],
    [
      'with interim heads of more bytes together',
      () =>
        Array.from({ length: 3 }, () =>
          head(1, [
            [':status', '103'],
            ['x-a', 'a'.repeat(2_000)],
          ]),
        ),
      /head_too_large/,
    ],
    [
      'with a status of a request in its trailers',
      () => [head(1, [[':status', '200']]), head(1, [[':status', '200']], END_HEADERS | END_STREAM)],
      /header_name|late_head|protocol_error/,
    ],
    [
      'with a pseudo-header field of requests',
      () => [
        head(1, [
          [':status', '200'],
          [':path', '/'],
        ]),
      ],
      /header_name|protocol_error/,
    ],
  ];
  for (const [what, send, fault] of faults) {
    test(what, async () => {
      const heard = app.ask();
      await server.requests(1);
      server.send(...send());
      const { reason } = await heard.fails();
      assert.equal(reason, 'upstream_invalid_response');
      assert.match(app.faults.join(), fault);
      // Other requests go on: on this session, or on a new one where node:http2 has given it up for such a fault.
      await eventually(
        () => app.pool.load,
        (load) => load === 0,
      );
      const next = app.ask();
      const stream = (await server.requests(2))[1] as number;
      server.send(head(stream, [[':status', '200']]), body(stream, 'ok', true));
      await next.end();
      assert.equal(next.body, 'ok');
    });
  }
});
