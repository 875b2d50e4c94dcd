import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Permit } from '../../src/auth/verdict.ts';
import type { ExchangeContext } from '../../src/exchange/context.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { Tally } from '../../src/exchange/tally.ts';
import type { RequestHead } from '../../src/http/message.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Budget } from '../../src/limits/budget.ts';
import { Replies } from '../../src/replies/replies.ts';
import { Marker } from '../../src/trace/marker.ts';
import { bareHead, ScriptedStream } from '../support/scripted-front.ts';

/** Bytes that make the gateway pause the client, and a body that is larger still. */
const MUCH = 100 * 1024;
const BODY = 1024 * 1024;

const head: RequestHead = { ...bareHead, method: 'POST', framing: 'length', contentLength: BODY };

/** An exchange at time 0 whose token is being verified, with a body of which nothing has arrived. */
function started(bodyMinRate: number) {
  const counts = { cancelled: 0, connections: 0 };
  const stream = new ScriptedStream(head);
  const connection = { send() {}, upload: () => true, keepsUpload: false, endUpload() {}, abandon() {} };
  const tally = new Tally();
  const route = {
    name: '/',
    forwarded: new Set(),
    tally: tally.route('/'),
    upstream: {
      name: 'app',
      checkOut() {
        counts.connections += 1;
        return connection;
      },
    },
  };
  const service = {
    tally,
    marker: new Marker(undefined, undefined, systemClock, false),
    clock: { monotonic: () => 0, wall: () => 0 },
    replies: new Replies('rfc6750', 'portcullis'),
    routes: { find: () => route },
    authorizer: {
      authorize: () => ({
        kind: 'pending',
        cancel() {
          counts.cancelled += 1;
        },
      }),
    },
    writer: { write: () => ({ text: '', encoding: 'latin1' }) },
    budget: new Budget(BODY),
    requestBodyLimit: Number.POSITIVE_INFINITY,
    requestMs: Number.POSITIVE_INFINITY,
    bodyMinRate,
    onEnd() {},
  } as unknown as ExchangeContext<Exchange>;
  const exchange = new Exchange(service, stream);
  exchange.start();
  return {
    exchange,
    counts,
    body: (bytes: number) => stream.receive(new Uint8Array(bytes), false),
    permit: () => exchange.onVerdict({ kind: 'permit' } as Permit),
    told: () => stream.calls(),
    outcomes: () =>
      Array.from(tally.route('/').outcomes.members)
        .filter(([, { value }]) => value > 0)
        .map(([outcome]) => outcome),
  };
}

describe('the rate of a body', () => {
  /** Bytes per second, more than any client sends. */
  const TOO_MUCH = 1e12;

  test('is not demanded for a time in which its client had to pause, even for a part of it', () => {
    const { exchange, body, permit, told, outcomes } = started(TOO_MUCH);
    body(MUCH);
    permit();
    assert.deepEqual(told(), ['pause', 'resume']);
    exchange.review(60_000);
    assert.deepEqual(outcomes(), []);
    exchange.review(69_999);
    assert.deepEqual(outcomes(), []);
    exchange.review(70_000);
    assert.deepEqual(outcomes(), ['request_timeout']);
  });

  test('is demanded for all other time', () => {
    const { exchange, body, outcomes } = started(TOO_MUCH);
    body(1000);
    exchange.review(11_000);
    assert.deepEqual(outcomes(), ['request_timeout']);
  });
});

test('an exchange that ends during the verification of its token waits no more, and no late verdict opens a connection', () => {
  const { exchange, permit, counts, outcomes } = started(1);
  exchange.onAborted();
  assert.deepEqual(counts, { cancelled: 1, connections: 0 });
  permit();
  assert.deepEqual(counts, { cancelled: 1, connections: 0 });
  assert.deepEqual(outcomes(), ['client_aborted']);
});
