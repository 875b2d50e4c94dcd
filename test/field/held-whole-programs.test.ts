// Source: runs of whole programs: first events at once, heads of 60 KB, aborts that reach upstream, POSTs at an idle close.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { byEngine } from '../support/engine.ts';
import { eventually, type TestGateway } from '../support/gateway.ts';
import type { Origin, OriginConnection } from '../support/origin.ts';
import { needs } from '../support/programs.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

publicGateway('anew', (made) => {
  ({ origin, gateway } = made);
});

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';

interface Curl {
  readonly child: ChildProcess;
  readonly printed: () => string;
  readonly ended: Promise<unknown>;
}

function curl(...args: readonly string[]): Curl {
  const url = `http://127.0.0.1:${gateway.port}/x`;
  const child = spawn('curl', ['--silent', '--no-buffer', ...args, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString('latin1');
  });
  return { child, printed: () => printed, ended: once(child, 'close') };
}

/** The upstream connection on which a request has arrived. */
async function asked(method = 'GET'): Promise<OriginConnection> {
  const upstream = await origin.connection();
  assert.ok((await upstream.head()).startsWith(`${method} /x `));
  return upstream;
}

/** When upstream is told that a client of a plain-text address has left. */
const told = byEngine('a client that leaves without a reset', {
  uws: 'at once',
  node: 'with its next bytes',
});

/** Waits until upstream is told that the client has left. @param next what upstream sends next. */
async function left(upstream: OriginConnection, next: string): Promise<void> {
  if (told === 'with its next bytes') upstream.write(next);
  await upstream.closed();
}

describe('curl', needs('curl'), () => {
  for (const [framing, line, frame] of [
    [
      'chunks',
      'Transfer-Encoding: chunked\r\n',
      (event: string) => `${event.length.toString(16)}\r\n${event}\r\n`,
    ],
    ['the end of the connection', '', (event: string) => event],
  ] as const) {
    test(`gets each event of a stream framed by ${framing} before the next one is sent`, async () => {
      const { printed, child, ended } = curl();
      const upstream = await asked();
      upstream.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n${line}\r\n`);
      let all = '';
      for (let n = 1; n <= 5; n += 1) {
        const event = `id: ${n}\ndata: ${'x'.repeat(n * 10)}\n\n`;
        all += event;
        upstream.write(frame(event));
        await eventually(printed, (text) => text === all);
      }
      child.kill();
      await ended;
      await left(upstream, frame('data: y\n\n'));
    });
  }

  test('gets a head of 60 KB whole', async () => {
    const { printed, ended } = curl('--include');
    const upstream = await asked();
    const lines = Array.from({ length: 60 }, (_, at) => `X-${at}: ${'v'.repeat(1000)}`);
    upstream.write(ok.replace('\r\n', `\r\n${lines.join('\r\n')}\r\n`));
    await ended;
    for (const sent of lines) assert.ok(printed().includes(`${sent}\r\n`), sent.slice(0, 10));
    assert.ok(printed().endsWith('\r\n\r\nok'));
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    for (const [when, response, next] of [
      ['before its answer', '', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'],
      ['in the middle of it', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', 'w'],
    ] as const) {
      test(`that ends by ${signal} ${when} is gone for upstream, too, ${told}`, async () => {
        const { child, printed, ended } = curl();
        const upstream = await asked();
        upstream.write(response);
        await eventually(printed, (text) => response.endsWith(text) && (text !== '' || response === ''));
        child.kill(signal);
        await ended;
        await left(upstream, next);
        assert.deepEqual(await gateway.outcomes(), { client_aborted: 1 });
      });
    }
  }
});

describe('a POST at the moment when upstream closes its idle connection', () => {
  /** As many as were tried with whole programs. */
  const TRIES = 72;

  for (const [first, act] of [
    [
      'the request comes first',
      (wire: Wire, upstream: OriginConnection) => {
        wire.send(get.replace('GET', 'POST'));
        upstream.socket.end();
      },
    ],
    [
      'the end comes first',
      (wire: Wire, upstream: OriginConnection) => {
        // Both are in the kernel before the gateway, which is in this process too, reads either.
        upstream.socket.end(() => wire.send(get.replace('GET', 'POST')));
      },
    ],
  ] as const) {
    test(`is carried ${TRIES} times of ${TRIES} when ${first}`, async () => {
      const wire = await Wire.open(gateway.port);
      wire.send(get);
      let upstream = await asked();
      for (let n = 0; n < TRIES; n += 1) {
        upstream.write(ok);
        assert.equal((await wire.response()).status, 200);
        act(wire, upstream);
        const [, refused] = await eventually(
          () => [origin.accepted, wire.pending] as const,
          ([count, text]) => count === n + 2 || text !== '',
        );
        assert.equal(refused, '');
        const next = await asked('POST');
        assert.equal(upstream.received, '');
        upstream.socket.destroy();
        upstream = next;
      }
      upstream.write(ok);
      assert.equal((await wire.response()).status, 200);
      assert.deepEqual(await gateway.outcomes(), { forwarded: TRIES + 1 });
      wire.close();
    });
  }
});
