import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { RouteConfig } from '../../src/config/config.ts';
import { byEngine, overTls, testEngine } from '../support/engine.ts';
import {
  eventually,
  serverOf,
  startGateway,
  type TestGateway,
  type TestOptions,
  testConfig,
} from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { recordingLog } from '../support/recording-log.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { rsaKey, secondsFromNow } from '../support/tokens.ts';
import { request, Wire } from '../support/wire.ts';
import { chunk, eventHead, unchunked } from './event-wire.ts';

const closing: Partial<RouteConfig> = { onExpiry: { tunnels: 'close', answers: 'close' } };
const event = 'data: 0\n\n';
const sizedHead = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n';
const openHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

let origin: Origin;
let gateway: TestGateway;
let lines: object[];

beforeEach(async () => {
  origin = await Origin.start();
});
afterEach(async () => {
  await gateway.close();
  await origin.close();
});

function options(more: Partial<TestOptions> = {}): TestOptions {
  const access = { log: { level: 'info' as const, access: 1 }, revocation };
  return { upstreamPort: origin.port, routes: [closing], ...more, config: { ...access, ...more.config } };
}

async function start(more: Partial<TestOptions> = {}): Promise<void> {
  const recording = recordingLog();
  lines = recording.lines;
  gateway = await startGateway({ ...options(more), log: recording.log });
}

interface Exchange {
  readonly client: Wire;
  readonly upstream: OriginConnection;
}

/** A request, and this much of its response. */
async function ask(head: string, body: string, fields = '', claims = {}): Promise<Exchange> {
  const client = await Wire.open(gateway.port);
  const method = fields.startsWith('Content-Length') ? 'POST' : 'GET';
  client.send(
    `${method} /x HTTP/1.1\r\nHost: a\r\nAuthorization: ${gateway.bearer(claims)}\r\n${fields}\r\n`,
  );
  const upstream = await origin.connection();
  await upstream.head();
  upstream.write(head + body);
  const content = head === sizedHead ? body : 'data: 0';
  if (body !== '') await client.pendingIs((text) => text.includes(content));
  return { client, upstream };
}

const revokeUser = (): Promise<unknown> => revoke(gateway.adminPort, { sub: 'user' });

/** How the exchanges ended, as the access log has it. */
async function logged(count = 1): Promise<unknown[]> {
  await eventually(
    () => lines.length,
    (length) => length === count,
  );
  return lines.map((line) => {
    const { status, outcome, end } = line as { status: number; outcome: string; end?: string };
    return [status, outcome, end];
  });
}

describe('with `onExpiry.answers: close`', () => {
  test('an event stream ends whole, and its connection takes the next request', async () => {
    await start();
    const { client, upstream } = await ask(eventHead, chunk(event));
    await revokeUser();
    const { body, closed } = await client.response();
    assert.deepEqual([body, closed], [event, false]);
    await upstream.closed();
    assert.deepEqual(await logged(), [[200, 'forwarded', 'token_revoked']]);
    client.send(`GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: ${gateway.bearer({ sub: 'another' })}\r\n\r\n`);
    const its = await origin.connection();
    await its.head();
    its.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    assert.equal((await client.response()).body, 'ok');
    assert.equal(serverOf(gateway).answers.size, 0);
    const metrics = await request(gateway.adminPort, 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.match(metrics.body, /^portcullis_answer_ends_total\{reason="token_revoked"\} 1$/m);
    client.close();
  });

  test('an event stream ends at `exp`, also where upstream is silent', async () => {
    await start({ issuer: { clockToleranceMs: 0 } });
    const exp = secondsFromNow(2);
    const { client } = await ask(eventHead, chunk(event), '', { exp });
    assert.equal((await client.response()).body, event);
    const late = Date.now() / 1000 - exp;
    assert.ok(late >= 0, `${late} s early`);
    assert.deepEqual(await logged(), [[200, 'forwarded', 'token_expired']]);
    client.close();
  });

  test('an event stream ends behind the event that is under way', async () => {
    await start();
    const { client, upstream } = await ask(eventHead, chunk('data: 0\nda'));
    await revokeUser();
    await eventually(
      () => serverOf(gateway).answers.ending,
      (count) => count === 1,
    );
    upstream.write(chunk('ta: 1\n\ndata: never\n\n'));
    assert.equal((await client.response()).body, 'data: 0\ndata: 1\n\n');
    await upstream.closed();
    client.close();
  });

  for (const [what, head, body] of [
    ['with a length', sizedHead, 'x'.repeat(50)],
    ['in chunks', openHead, chunk('data: 0\n\n')],
    [
      'that is an event stream under a coding',
      eventHead.replace('200 OK', '200 OK\r\nContent-Encoding: gzip'),
      chunk('data: 0\n\n'),
    ],
  ] as const) {
    test(`a body ${what} is cut, so that it does not look whole`, async () => {
      await start();
      const { client, upstream } = await ask(head, body);
      await revokeUser();
      const got = await client.untilClosed();
      assert.doesNotMatch(got, /\r\n0\r\n\r\n$/);
      assert.equal(client.wasReset, testEngine === 'node' && !overTls);
      await upstream.closed();
      assert.deepEqual(await logged(), [[200, 'token_revoked', 'token_revoked']]);
    });
  }

  if (testEngine !== 'uws') {
    test('an event stream of HTTP/1.0 ends with its connection, in order', async () => {
      await start();
      const client = await Wire.open(gateway.port);
      client.send(`GET /x HTTP/1.0\r\nHost: a\r\nAuthorization: ${gateway.bearer()}\r\n\r\n`);
      const upstream = await origin.connection();
      await upstream.head();
      upstream.write(eventHead + chunk(`${event}da`));
      await client.pendingIs((text) => text.endsWith(`\r\n\r\n${event}da`));
      await revokeUser();
      await eventually(
        () => serverOf(gateway).answers.ending,
        (count) => count === 1,
      );
      upstream.write(chunk('ta: 1\n\ndata: never\n\n'));
      const got = await client.untilClosed();
      assert.ok(got.endsWith(`\r\n\r\n${event}data: 1\n\n`), got);
      assert.equal(client.wasReset, false);
      await upstream.closed();
      assert.deepEqual(await logged(), [[200, 'forwarded', 'token_revoked']]);
    });
  }

  test('a response that has begun before the request is whole ends too', async () => {
    await start();
    const { client, upstream } = await ask(eventHead, chunk(event), 'Content-Length: 100\r\n');
    client.send('x'.repeat(10));
    await revokeUser();
    await client.pendingIs((text) => text.endsWith('0\r\n\r\n'));
    assert.equal(unchunked(client.pending), event);
    await upstream.closed();
    assert.deepEqual(await logged(), [[200, 'forwarded', 'token_revoked']]);
    client.close();
  });

  test('a response of which the client has nothing yet becomes a refusal', async () => {
    await start();
    const { client, upstream } = await ask(eventHead, '');
    await eventually(
      () => serverOf(gateway).answers.size,
      (count) => count === 1,
    );
    await revokeUser();
    const { status } = await client.response();
    assert.equal(status, byEngine('the head of a response', { uws: 401, node: 200 }));
    await upstream.closed();
    client.close();
  });

  test('a response ends when its key goes', async () => {
    await start();
    const { client } = await ask(eventHead, chunk(event));
    const material = { kind: 'public' as const, pem: rsaKey().pem };
    serverOf(gateway).authorizer.setKeys('test', [
      { id: 'other', kid: 'other', algorithms: ['RS256'], material },
    ]);
    await client.response();
    assert.match(String((await logged())[0]), /signature_invalid|key_unknown/);
    client.close();
  });

  test('a reload that removes the route or lets the token in no more ends a response, another one does not', async () => {
    await start();
    const reload = (more: Partial<TestOptions>): Promise<unknown> =>
      gateway.gateway.reload(testConfig(options(more)));
    const { client, upstream } = await ask(eventHead, chunk(event));
    await reload({ limits: { connections: 7 } });
    const { client: other } = await ask(eventHead, chunk(event));
    upstream.write(chunk('data: 1\n\n'));
    await client.pendingIs((text) => unchunked(text).endsWith('data: 1\n\n'));
    await reload({ issuer: { audience: ['others'] } });
    await client.response();
    await other.response();
    assert.deepEqual(await logged(2), Array(2).fill([200, 'forwarded', 'audience_mismatch']));
    await reload({});
    const { client: third } = await ask(eventHead, chunk(event));
    await reload({
      routes: [{ name: '/else', match: { host: undefined, path: '/else', methods: undefined } }],
    });
    await third.response();
    assert.deepEqual((await logged(3))[2], [200, 'forwarded', 'route_not_found']);
    for (const wire of [client, other, third]) wire.close();
  });

  test('nothing is watched behind the end of a response', async () => {
    await start();
    const { client, upstream } = await ask(eventHead, chunk(event));
    assert.equal(serverOf(gateway).answers.size, 1);
    upstream.write('0\r\n\r\n');
    await client.response();
    assert.equal(serverOf(gateway).answers.size, 0);
    client.close();
  });
});

test('without that key a response outlives its token', async () => {
  await start({ routes: [{}] });
  const { client, upstream } = await ask(eventHead, chunk(event));
  await revokeUser();
  const refused = await Wire.open(gateway.port);
  refused.send(`GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: ${gateway.bearer()}\r\n\r\n`);
  assert.equal((await refused.response()).status, 401);
  assert.equal(serverOf(gateway).answers.size, 0);
  upstream.write(`${chunk('data: 1\n\n')}0\r\n\r\n`);
  assert.equal((await client.response()).body, `${event}data: 1\n\n`);
  client.close();
  refused.close();
});
