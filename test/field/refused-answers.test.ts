// Source: operators who saw 502 and nothing in log, metrics or status that said what was wrong with the answer.
import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import { Counter, CounterFamily } from '../../src/lib/counters.ts';
import { LineLimit } from '../../src/lib/line-limit.ts';
import { RefusedResponses } from '../../src/upstream/refused-responses.ts';
import { silentLog, startGateway, sums, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request, Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;
let response = '';
const lines: object[] = [];

before(async () => {
  origin = await Origin.start();
  origin.serve(() => response);
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    log: {
      ...silentLog,
      warn: (fields, message) => {
        // Several of them also mark the server as down, on a line of its own.
        if ('fault' in fields) lines.push({ ...fields, message });
      },
    },
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

const head = (...rows: string[]): string => `HTTP/1.1 200 OK\r\n${rows.join('\r\n')}\r\n\r\n`;
const chunked = head('Transfer-Encoding: chunked');

/** By its fault in the log and the metrics. */
const responses: Readonly<Record<string, string>> = {
  bare_lf: 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
  bare_cr: head('A: 1\rB: 2'),
  two_lengths: head('Content-Length: 1', 'Content-Length: 2'),
  content_length: head('Content-Length: +1'),
  length_and_chunked: head('Content-Length: 1', 'Transfer-Encoding: chunked'),
  chunked_in_http_1_0: chunked.replace('1.1', '1.0'),
  transfer_encoding: head('Transfer-Encoding: gzip'),
  http_version: head().replace('1.1', '2.0'),
  status_line: '<html>',
  status_code: head().replace('200', '099'),
  header_name: head('A : 1'),
  header_value: head('A: \x01'),
  folded_line: head('A: 1', ' 2'),
  head_too_large: head(`A: ${'x'.repeat(70_000)}`),
  upgrade: 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  chunk_size: `${chunked}0x1\r\n`,
  chunk_extension: `${chunked}1;\x01`,
};

async function ask(): Promise<number> {
  const wire = await Wire.open(gateway.port);
  wire.send('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
  const { status } = await wire.response();
  wire.close();
  return status;
}

async function counts(): Promise<Record<string, number>> {
  const bytes = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  return sums(
    (await request(gateway.adminPort, bytes)).body,
    'portcullis_upstream_answers_refused_total',
    'fault',
  );
}

describe('a response that is refused', () => {
  for (const [fault, bytes] of Object.entries(responses)) {
    test(`is reported as ${fault}`, async () => {
      response = bytes;
      lines.length = 0;
      assert.equal(await ask(), 502);
      const server = `127.0.0.1:${origin.port}`;
      const message = 'an answer of an upstream server was refused';
      assert.deepEqual(lines, [{ upstream: 'app', server, fault, message }]);
      assert.equal((await counts())[fault], 1);
    });
  }

  test('is logged rarely when there are many, and counted each time', async () => {
    response = responses['two_lengths'] as string;
    lines.length = 0;
    const before = (await counts())['two_lengths'] as number;
    for (let round = 0; round < 50; round += 1) assert.equal(await ask(), 502);
    assert.ok(lines.length <= 2, `${lines.length} lines`);
    assert.equal((await counts())['two_lengths'], before + 50);
  });

  test('a valid response is not logged', async () => {
    response = head('Content-Length: 0');
    lines.length = 0;
    assert.equal(await ask(), 200);
    assert.deepEqual(lines, []);
  });
});

describe('the lines left out', () => {
  test('are counted when the window is over, and the next window has lines again', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const told: number[] = [];
      const limit = new LineLimit((leftOut) => void told.push(leftOut));
      assert.deepEqual([limit.take(), limit.take(), limit.take(), limit.take()], [true, true, false, false]);
      mock.timers.tick(10_000);
      assert.deepEqual(told, [2]);
      assert.equal(limit.take(), true);
      mock.timers.tick(10_000);
      assert.deepEqual(told, [2], 'nothing was left out');
    } finally {
      mock.timers.reset();
    }
  });

  test('name upstream, server and fault', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const told: object[] = [];
      const log = { ...silentLog, warn: (fields: object) => void told.push(fields) };
      const counts = new CounterFamily();
      const refused = new RefusedResponses({ upstream: 'app', server: 'a:1', log, counts });
      for (let round = 0; round < 9; round += 1) refused.add('bare_lf');
      refused.add('upgrade');
      mock.timers.tick(10_000);
      const of = { upstream: 'app', server: 'a:1' };
      assert.deepEqual(told, [
        { ...of, fault: 'bare_lf' },
        { ...of, fault: 'bare_lf' },
        { ...of, fault: 'upgrade' },
        { ...of, fault: 'bare_lf', leftOut: 7 },
      ]);
      assert.deepEqual(
        [...counts.members],
        [
          ['bare_lf', Object.assign(new Counter(), { value: 9 })],
          ['upgrade', Object.assign(new Counter(), { value: 1 })],
        ],
      );
    } finally {
      mock.timers.reset();
    }
  });
});
