// Source: bandit#655, clients that name `close` among other options of Connection, and clients that want to be told of the end.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;
/** Requests that upstream received. */
let forwarded = 0;

before(async () => {
  origin = await Origin.start();
  origin.serve((head) => {
    forwarded += 1;
    if (head.includes('/streamed'))
      return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
    if (head.includes('/large'))
      return `HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n${'b'.repeat(500_000)}`;
    if (head.includes('/empty')) return 'HTTP/1.1 204 No Content\r\n\r\n';
    if (head.startsWith('HEAD')) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [
      { auth: 'none' },
      { name: 'guarded', match: { host: undefined, path: '/guarded', methods: undefined } },
    ],
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

interface Seen {
  readonly status: number;
  readonly bytes: number;
  readonly announced: number;
  readonly closed: boolean;
}

/**
 * The engine cannot end a connection after a response in pieces: it stops reading, and the client that was asked to
 * close ends it, or the engine does after its idle time.
 */
const clientEnds = new Set(['GET /large']);

/** One request, the Connection header of its response, and the end of the connection. */
async function ask(line: string, ...connection: string[]): Promise<Seen> {
  const wire = await Wire.open(gateway.port);
  try {
    wire.send(
      `${[`${line} HTTP/1.1`, 'Host: a.example', ...connection.map((value) => `Connection: ${value}`)].join('\r\n')}\r\n\r\n`,
    );
    if (clientEnds.has(line) && !(connection.length === 1 && connection[0]?.length === 5)) {
      return await streamed(wire);
    }
    const { status, body, fields, closed } = await wire.response({ toHead: line.startsWith('HEAD') });
    const announced = fields.filter(
      ([name, value]) => /^connection$/i.test(name) && value === 'close',
    ).length;
    if (!closed) {
      wire.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
      assert.equal((await wire.response()).status, 200);
    }
    return { status, bytes: body.length, announced, closed };
  } finally {
    wire.close();
  }
}

/** A response in pieces; no later request is served when it announces the close. */
async function streamed(wire: Wire): Promise<Seen> {
  const whole = await eventually(
    () => wire.pending,
    (seen) => seen.length > 500_000 && seen.endsWith('b'),
  );
  const announced = [...whole.matchAll(/\r\nconnection: close\r\n/gi)].length;
  const bytes = whole.length - whole.indexOf('\r\n\r\n') - 4;
  wire.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
  const served = forwarded;
  if (announced === 0)
    await eventually(
      () => wire.pending,
      (seen) => seen.endsWith('\r\n\r\nok'),
    );
  else await new Promise((resolve) => setImmediate(resolve));
  return { status: Number(whole.slice(9, 12)), bytes, announced, closed: forwarded === served };
}

const closing = [
  ['close'],
  ['Close'],
  ['TE, close'],
  ['close, TE'],
  ['keep-alive, close'],
  ['close,keep-alive'],
  [', \tCLOSE\t,'],
  ['keep-alive', 'close'],
  ['x-other', 'TE , close'],
];
const staying = [
  ['keep-alive'],
  ['Keep-Alive'],
  ['TE'],
  ['closed'],
  ['x-close'],
  ['close-not, TE'],
  ['keep-alive, upgrade'],
];

const responses: Readonly<Record<string, readonly [status: number, bytes: number]>> = {
  'GET /x': [200, 2],
  'GET /streamed': [200, 2],
  'GET /large': [200, 500_000],
  'GET /empty': [204, 0],
  'HEAD /x': [200, 0],
  'GET /guarded': [401, -1],
};

describe('a client that names close in Connection', () => {
  for (const connection of closing) {
    test(`${JSON.stringify(connection)}: gets one close in return, and the connection ends after every kind of response`, async () => {
      for (const [line, [status, bytes]] of Object.entries(responses)) {
        const seen = await ask(line, ...connection);
        assert.deepEqual([line, seen.status, seen.announced, seen.closed], [line, status, 1, true]);
        if (bytes >= 0) assert.equal(seen.bytes, bytes);
      }
    });
  }

  for (const connection of staying) {
    test(`${JSON.stringify(connection)} does not, and the connection is reused`, async () => {
      for (const [line, [status]] of Object.entries(responses)) {
        const seen = await ask(line, ...connection);
        assert.deepEqual([line, seen.status, seen.announced, seen.closed], [line, status, 0, false]);
      }
    });
  }
});
