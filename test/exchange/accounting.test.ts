import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { AccessLog } from '../../src/exchange/access-log.ts';
import type { ExchangeContext } from '../../src/exchange/context.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { Recorder } from '../../src/exchange/recorder.ts';
import { Tally } from '../../src/exchange/tally.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Counter } from '../../src/lib/counters.ts';
import { createLog } from '../../src/lib/log.ts';
import { Replies } from '../../src/replies/replies.ts';
import { Marker } from '../../src/trace/marker.ts';
import { eventually, startGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { bareHead, ScriptedStream } from '../support/scripted-front.ts';
import { request, Wire } from '../support/wire.ts';
import { scrape } from './outcome-rows.ts';

/** Requests by the way they end: path, whether with a token, and the expected route and reason. */
const mix = [
  ['/public/a', false, '/public', 'forwarded', 200],
  ['/public/fails', false, '/public', 'forwarded', 500],
  ['/private/a', true, '/private', 'forwarded', 200],
  ['/private/a', false, '/private', 'token_missing', 401],
  ['/elsewhere', true, 'none', 'route_not_found', 404],
] as const;

const ROUNDS = 40;

/** The lines of the access log in what was logged. */
function accessLines(texts: readonly string[]) {
  return texts.map((text) => JSON.parse(text)).filter(({ message }) => message === 'request');
}

async function playMix(access: Config['log']['access']) {
  const origin = await Origin.start();
  origin.serve((text) => {
    const status = text.includes('/fails ') ? '500 No' : '200 OK';
    return `HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nok`;
  });
  const texts: string[] = [];
  const route = (path: string) => ({ name: path, match: { host: undefined, path, methods: undefined } });
  const gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ ...route('/public'), auth: 'none' }, route('/private')],
    config: { log: { level: 'info', access } },
    log: createLog({ level: 'info', destination: { write: (text) => texts.push(text) } }),
  });
  try {
    const authorization = `Authorization: ${gateway.bearer()}\r\n`;
    const wires = await Promise.all(Array.from({ length: 4 }, () => Wire.open(gateway.port)));
    await Promise.all(
      wires.map(async (wire) => {
        for (let round = 0; round < ROUNDS; round += 1) {
          for (const [path, withToken, , , status] of mix) {
            wire.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${withToken ? authorization : ''}\r\n`);
            assert.equal((await wire.response()).status, status);
          }
        }
        wire.close();
      }),
    );
    const metrics = await scrape(gateway.adminPort);
    const samples = metrics.matchAll(/^portcullis_requests_total\{route="(.*)",outcome="(.*)"\} (\d+)$/gm);
    const counts = Array.from(samples, ([, name, outcome, count]) => [`${name} ${outcome}`, Number(count)]);
    const sent = wires.length * ROUNDS * mix.length;
    return { sent, counts: new Map(counts as [string, number][]), lines: accessLines(texts) };
  } finally {
    await gateway.close();
    await origin.close();
  }
}

describe('the sums', () => {
  test('of all routes and outcomes are the requests sent, and the log has a line for each', async () => {
    const { sent, counts, lines } = await playMix(1);
    const each = sent / mix.length;
    assert.deepEqual(
      counts,
      new Map([
        ['none route_not_found', each],
        ['/public forwarded', 2 * each],
        ['/private forwarded', each],
        ['/private token_missing', each],
      ]),
    );
    assert.equal(
      [...counts.values()].reduce((sum, count) => sum + count, 0),
      sent,
    );
    const logged = new Map<string, number>();
    for (const { route, outcome } of lines) {
      logged.set(`${route} ${outcome}`, (logged.get(`${route} ${outcome}`) ?? 0) + 1);
    }
    assert.deepEqual(logged, counts);
    for (const { outcome, upstream, answerBytes } of lines) {
      if (outcome === 'forwarded') assert.deepEqual([upstream, answerBytes], ['app', 2]);
      else assert.ok(upstream === null && answerBytes > 2);
    }
  });

  test('are the same when the log has errors only', async () => {
    const { sent, lines } = await playMix('errors');
    assert.equal(lines.length, (3 * sent) / mix.length);
    for (const { outcome, status } of lines) assert.ok(outcome !== 'forwarded' || status === 500);
  });

  test('are the same when nothing is logged', async () => {
    const { sent, counts, lines } = await playMix('off');
    assert.equal(
      [...counts.values()].reduce((sum, count) => sum + count, 0),
      sent,
    );
    assert.deepEqual(lines, []);
  });
});

describe('client', () => {
  test('is the peer, or the client that a trusted peer names', async () => {
    const loopback = [{ address: '127.0.0.1', family: 'ipv4', prefix: 32 }] as const;
    for (const [trustedProxies, client] of [
      [undefined, '127.0.0.1'],
      [loopback, '192.0.2.7'],
    ] as const) {
      const texts: string[] = [];
      const gateway = await startGateway({
        upstreamPort: 9,
        config: { trustedProxies, log: { level: 'info', access: 'errors' } },
        log: createLog({ level: 'info', destination: { write: (text) => texts.push(text) } }),
      });
      try {
        const named = 'X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n';
        const response = await request(gateway.port, `GET / HTTP/1.1\r\nHost: a\r\n${named}\r\n`);
        assert.equal(response.status, 401);
        assert.deepEqual(
          accessLines(texts).map((line) => line.client),
          [client],
        );
      } finally {
        await gateway.close();
      }
    }
  });
});

describe('bytes', () => {
  test('of bodies are counted without their framing, in both directions', async () => {
    const origin = await Origin.start();
    const texts: string[] = [];
    const gateway = await startGateway({
      upstreamPort: origin.port,
      routes: [{ auth: 'none' }],
      config: { log: { level: 'info', access: 1 } },
      log: createLog({ level: 'info', destination: { write: (text) => texts.push(text) } }),
    });
    try {
      const wire = await Wire.open(gateway.port);
      const connection = origin.connection();
      wire.send('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
      const upstream = await connection;
      await upstream.take((text) => text.endsWith('\r\n0\r\n\r\n'));
      upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      upstream.write(`5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`);
      await eventually(
        () => wire.pending,
        (text) => text.endsWith('\r\n0\r\n\r\n'),
      );
      wire.close();
      const head = await Wire.open(gateway.port);
      head.send('HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n');
      assert.equal((await head.response({ toHead: true })).status, 400);
      head.close();
      const [post, refused] = accessLines(texts);
      assert.deepEqual([post.requestBytes, post.answerBytes, post.status], [5, 11, 200]);
      assert.deepEqual([refused.requestBytes, refused.answerBytes, refused.status], [0, 0, 400]);
      assert.ok(post.durationMs > 0);
    } finally {
      await gateway.close();
      await origin.close();
    }
  });
});

describe('a reply that waits for the end of the turn', () => {
  /** The exchange of a malformed request, and its client. */
  function refused() {
    const stream = new ScriptedStream({ ...bareHead, fault: 'request_malformed' });
    stream.repliesLater = true;
    const texts: string[] = [];
    const tally = new Tally();
    const log = createLog({ level: 'info', destination: { write: (text) => texts.push(text) } });
    let ended = 0;
    const service = {
      tally,
      marker: new Marker(undefined, undefined, systemClock, false),
      clock: systemClock,
      replies: new Replies('rfc6750', 'portcullis'),
      recorder: new Recorder(new AccessLog(1, log, new Counter()), undefined, systemClock),
      onEnd: () => {
        ended += 1;
      },
    } as unknown as ExchangeContext<Exchange>;
    new Exchange(service, stream).start();
    const state = () => ({
      responses: stream.replies.length,
      ended,
      malformed: tally.rejections.of('request_malformed').value,
      aborted: tally.route('none').outcomes.of('client_aborted').value,
      lines: accessLines(texts).map(({ client, outcome, status }) => ({ client, outcome, status })),
    });
    return { stream, state };
  }

  const line = { client: '192.0.2.1', outcome: 'request_malformed' };

  test('is logged with its status once it has been sent', () => {
    const { stream, state } = refused();
    assert.deepEqual(state(), { responses: 0, ended: 1, malformed: 1, aborted: 0, lines: [] });
    stream.sendReply();
    const lines = [{ ...line, status: 400 }];
    assert.deepEqual(state(), { responses: 1, ended: 1, malformed: 1, aborted: 0, lines });
  });

  test('is logged without a status when the client has left meanwhile, and counts once', () => {
    const { stream, state } = refused();
    stream.leave();
    stream.sendReply();
    const lines = [{ ...line, status: null }];
    assert.deepEqual(state(), { responses: 0, ended: 1, malformed: 1, aborted: 0, lines });
  });
});
