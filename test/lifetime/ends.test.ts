import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { request as undici } from 'undici';
import { byEngine } from '../support/engine.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { needs } from '../support/programs.ts';
import { Wire } from '../support/wire.ts';
import { framingLine, MIB, pour, settled, swallow, takenOf } from './stream.ts';

/** Milliseconds for a client that has ended its side and takes nothing: an engine that serves such clients waits as long. */
const SEND_MS = 5_000;

let origin: Origin;
let gateway: TestGateway;

beforeEach(async () => {
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    config: { timeouts: { sendMs: SEND_MS } },
  });
});

/** Another gateway for the test, whose upstream is late after 600 ms of silence. */
async function restartImpatient(): Promise<void> {
  await gateway.close();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    timeouts: { responseMs: 600 },
  });
}

afterEach(async () => {
  await eventually(
    () => gateway.connections(),
    (seen) => Object.keys(seen).length === 0,
  );
  await gateway.close();
  await origin.close();
});

const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';
const post = (framing: 'length' | 'chunked', size: number): string =>
  `POST /x HTTP/1.1\r\nHost: a.example\r\n${framingLine(framing, size)}\r\n`;
const FIVE = {
  length: 'Content-Length: 10\r\n\r\nhello',
  chunked: 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
};

async function asked(bytes: string): Promise<[Wire, OriginConnection]> {
  const wire = await Wire.open(gateway.port);
  const connection = origin.connection();
  wire.send(bytes);
  const upstream = await connection;
  await upstream.head();
  return [wire, upstream];
}

/** Exactly one exchange has ended, with this outcome. */
async function ended(outcome: string): Promise<void> {
  await eventually(
    () => gateway.outcomes(),
    (seen) => Object.keys(seen).length > 0,
  );
  assert.deepEqual(await gateway.outcomes(), { [outcome]: 1 });
}

const leaves = {
  'a reset': (wire: Wire) => wire.reset(),
  'a FIN': (wire: Wire) => wire.end(),
} as const;

describe('a client that vanishes while everything is full', () => {
  for (const [how, leave] of Object.entries(leaves)) {
    for (const framing of ['length', 'chunked'] as const) {
      test(`in a download framed by ${framing}, with ${how}`, async () => {
        const [wire, upstream] = await asked(get);
        wire.pauseReading();
        upstream.write(`HTTP/1.1 200 OK\r\n${framingLine(framing, 128 * MIB)}\r\n`);
        void pour(upstream.socket, framing, 128 * MIB);
        await settled(() => takenOf(upstream.socket));
        leave(wire);
        await upstream.closed();
        await ended('client_aborted');
        wire.close();
      });

      test(`in an upload framed by ${framing}, with ${how}, found when upstream reads on`, async () => {
        const [wire, upstream] = await asked(post(framing, 64 * MIB));
        upstream.socket.pause();
        const text = 'b'.repeat(MIB);
        for (let at = 0; at < 24; at += 1)
          wire.send(framing === 'length' ? text : `${MIB.toString(16)}\r\n${text}\r\n`);
        leave(wire);
        swallow(upstream.socket);
        await upstream.closed();
        await ended('client_aborted');
        wire.close();
      });
    }
  }

  test('in an upload that upstream never takes: its silence ends the exchange', async () => {
    await restartImpatient();
    const [wire, upstream] = await asked(post('length', 128 * MIB));
    upstream.socket.pause();
    for (let at = 0; at < 24; at += 1) wire.send('b'.repeat(MIB));
    wire.end();
    await ended('upstream_timeout');
    swallow(upstream.socket);
    await upstream.closed();
    wire.close();
  });
});

describe('an upstream that responds before the end of the request', () => {
  for (const framing of ['length', 'chunked'] as const) {
    for (const keep of ['', 'Connection: close\r\n']) {
      for (const size of [2, 4 * MIB]) {
        test(`${framing}, ${keep === '' ? 'kept alive' : 'closed'}, ${size} bytes`, async () => {
          const [wire, upstream] = await asked(post(framing, 2 * MIB));
          const half = 'b'.repeat(MIB);
          const part = framing === 'length' ? half : `${MIB.toString(16)}\r\n${half}\r\n`;
          wire.send(part);
          const body = 'c'.repeat(size);
          upstream.write(`HTTP/1.1 413 Too Much\r\n${keep}Content-Length: ${size}\r\n\r\n${body}`);
          const closes =
            framing === 'chunked' &&
            byEngine('the connection after a chunked request', { uws: true, node: false });
          if (closes) {
            // The client is asked to close; the engine's idle time-out would do it some 12 s later.
            const text = await eventually(
              () => wire.pending,
              (seen) => seen.endsWith(`\r\n\r\n${body}`),
            );
            assert.match(text, /^HTTP\/1\.1 413 .*\r\nconnection: close\r\n/is);
          } else {
            const response = await wire.response();
            assert.deepEqual([response.status, response.body === body], [413, true]);
          }
          await upstream.closed();
          await ended('forwarded');
          if (!closes) {
            // The rest of the body is no request; the next bytes are one, on its own connection.
            const next = origin.connection();
            wire.send((framing === 'length' ? half : `${part}0\r\n\r\n`) + get);
            const second = await next;
            assert.match(await second.head(), /^GET \/x /);
            second.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
            assert.equal((await wire.response()).body, 'ok');
          }
          wire.close();
        });
      }
    }
  }

  test('and closes with bytes of it unread, which resets: the response still arrives', async () => {
    const [wire, upstream] = await asked(post('length', 10));
    upstream.socket.pause();
    wire.send('hello');
    upstream.socket.write('HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nno', () =>
      upstream.socket.destroy(),
    );
    const response = await wire.response();
    assert.deepEqual([response.status, response.body], [413, 'no']);
    await ended('forwarded');
    wire.close();
  });
});

describe('an upstream that ends', () => {
  const ends = {
    FIN: (upstream: OriginConnection) => upstream.socket.end(),
    reset: (upstream: OriginConnection) => upstream.socket.resetAndDestroy(),
  } as const;
  for (const [how, end] of Object.entries(ends)) {
    for (const [framing, bytes] of Object.entries(FIVE)) {
      test(`in the middle of a body framed by ${framing}, by ${how}: the client is cut`, async () => {
        const [wire, upstream] = await asked(get);
        upstream.write(`HTTP/1.1 200 OK\r\n${bytes}`);
        await eventually(
          () => wire.pending,
          (text) => text.includes('hello'),
        );
        end(upstream);
        const text = await wire.untilClosed().catch(() => wire.pending);
        assert.equal(text.endsWith('\r\n0\r\n\r\n'), false);
        assert.ok(text.includes('hello'));
        await upstream.closed();
        await ended('upstream_reset');
        wire.close();
      });
    }
  }

  test('in the head, by a reset: 502', async () => {
    const [wire, upstream] = await asked(get);
    upstream.socket.write('HTTP/1.1 200 OK\r\nX-', () => upstream.socket.resetAndDestroy());
    assert.equal((await wire.response()).status, 502);
    await ended('upstream_reset');
    wire.close();
  });

  for (const [how, end] of Object.entries(ends)) {
    test(`in a body that its end delimits, by ${how}`, async () => {
      const [wire, upstream] = await asked(get);
      upstream.write('HTTP/1.1 200 OK\r\n\r\nhello');
      await eventually(
        () => wire.pending,
        (text) => text.includes('hello'),
      );
      end(upstream);
      if (how === 'FIN') assert.equal((await wire.response()).body, 'hello');
      else await assert.rejects(wire.response(), /before a complete answer/);
      await upstream.closed();
      await ended(how === 'FIN' ? 'forwarded' : 'upstream_reset');
      wire.close();
    });
  }
});

test('an upstream that sends its head a byte at a time does not postpone timeouts.response', async () => {
  await restartImpatient();
  const [wire, upstream] = await asked(get);
  upstream.write('HTTP/1.1 200 OK\r\nX-A: ');
  const timer = setInterval(() => upstream.write('a'), 50);
  try {
    const response = await wire.response();
    assert.deepEqual([response.status, JSON.parse(response.body).code], [504, 'upstream_timeout']);
    await upstream.closed();
    await ended('upstream_timeout');
  } finally {
    clearInterval(timer);
    wire.close();
  }
});

describe('a body cut short is an error to', () => {
  for (const [framing, bytes] of Object.entries(FIVE)) {
    const cut = async (): Promise<void> => {
      const upstream = await origin.connection();
      await upstream.head();
      upstream.write(`HTTP/1.1 200 OK\r\n${bytes}`);
      upstream.socket.end();
    };
    const url = (): string => `http://127.0.0.1:${gateway.port}/x`;

    test(`undici, ${framing}`, async () => {
      const served = cut();
      await assert.rejects(async () => (await undici(url())).body.text());
      await served;
      await ended('upstream_reset');
    });

    test(`node:http, ${framing}`, async () => {
      const served = cut();
      const read = async (): Promise<void> => {
        const asking = httpGet(url());
        // A reset after the head ends the request as well as the response.
        asking.on('error', () => {});
        const [response] = (await once(asking, 'response')) as [IncomingMessage];
        for await (const _ of response);
      };
      await assert.rejects(read);
      await served;
      await ended('upstream_reset');
    });

    test(`curl, ${framing}`, needs('curl'), async () => {
      const served = cut();
      await assert.rejects(promisify(execFile)('curl', ['-sS', url()]), /curl: \(\d+\)/);
      await served;
      await ended('upstream_reset');
    });
  }
});
