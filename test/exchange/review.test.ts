import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Permit } from '../../src/auth/verdict.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import type { Service } from '../../src/exchange/service.ts';
import { Tally } from '../../src/exchange/tally.ts';
import { Downstream } from '../../src/front/uws/downstream.ts';
import type { EngineResponse } from '../../src/front/uws/engine.ts';
import { Peers } from '../../src/front/uws/peers.ts';
import type { RequestHead } from '../../src/http/message.ts';
import { Budget } from '../../src/limits/budget.ts';
import { Replies } from '../../src/replies/replies.ts';

/** More than is held before the client is asked to pause, and a body that is not whole with that, in bytes. */
const MUCH = 100 * 1024;
const BODY = 1024 * 1024;

const head: RequestHead = {
  method: 'POST',
  path: '/x',
  query: undefined,
  names: [],
  values: [],
  host: 'a',
  authorization: undefined,
  authorizationCount: 0,
  framing: 'length',
  contentLength: BODY,
  close: false,
  fault: undefined,
};

/** An exchange whose token is being verified, with a body of which nothing has come yet, at time 0. */
function started(bodyMinRate: number) {
  const calls: string[] = [];
  const counts = { cancelled: 0, connections: 0 };
  let onData = (_chunk: ArrayBuffer, _last: boolean): void => {};
  const response = {
    onAborted() {},
    onData(handler: typeof onData) {
      onData = handler;
    },
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
    cork: (work: () => void) => work(),
    writeStatus: (status: string) => calls.push(status),
    writeHeader() {},
    end() {},
    close() {},
  } as unknown as EngineResponse;
  const connection = { send() {}, upload: () => true, keepsUpload: false, endUpload() {}, leave() {} };
  const tally = new Tally();
  const route = {
    name: '/',
    forwarded: new Set(),
    tally: tally.route('/'),
    pool: {
      name: 'app',
      checkOut() {
        counts.connections += 1;
        return connection;
      },
    },
  };
  const service = {
    tally,
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
    requestsPerConnection: Number.POSITIVE_INFINITY,
    bodyMinRate,
    draining: () => false,
    onEnd() {},
  } as unknown as Service<Exchange>;
  const exchange = new Exchange(service, head, new Downstream(response, new Peers()));
  exchange.start();
  return {
    exchange,
    counts,
    body: (bytes: number) => onData(new ArrayBuffer(bytes), false),
    permit: () => exchange.onVerdict({ kind: 'permit' } as Permit),
    /** What the engine was told since this was asked before. */
    told: () => calls.splice(0),
    outcomes: () =>
      Array.from(tally.route('/').outcomes.members)
        .filter(([, { value }]) => value > 0)
        .map(([word]) => word),
  };
}

describe('the engine’s time-out for a body', () => {
  test('is put off when there is a rate to keep, which decides alone', () => {
    const { exchange, told } = started(1);
    exchange.review(4000, true);
    exchange.review(8000, true);
    assert.deepEqual(told(), ['pause', 'resume', 'pause', 'resume']);
  });

  test('cuts who sends nothing when there is none, and is put off for who does', () => {
    const { exchange, body, told } = started(0);
    exchange.review(4000, true);
    assert.deepEqual(told(), []);
    body(1);
    exchange.review(8000, true);
    assert.deepEqual(told(), ['pause', 'resume']);
    exchange.review(12_000, true);
    assert.deepEqual(told(), []);
  });

  test('never cuts a client that was asked to pause', () => {
    const { exchange, body, told } = started(0);
    body(MUCH);
    assert.deepEqual(told(), ['pause']);
    for (const now of [4000, 8000, 12_000]) {
      exchange.review(now, true);
      assert.deepEqual(told(), ['resume', 'pause']);
    }
  });

  test('is left alone in the looks between', () => {
    const { exchange, told } = started(1);
    exchange.review(250, false);
    assert.deepEqual(told(), []);
  });
});

describe('the rate of a body', () => {
  /** Bytes per second, more than any client sends. */
  const TOO_MUCH = 1e12;

  test('is not asked for of a time in which its client had to pause, be it only a part', () => {
    const { exchange, body, permit, told, outcomes } = started(TOO_MUCH);
    body(MUCH);
    permit();
    assert.deepEqual(told(), ['pause', 'resume']);
    exchange.review(60_000, false);
    assert.deepEqual(outcomes(), []);
    exchange.review(69_999, false);
    assert.deepEqual(outcomes(), []);
    exchange.review(70_000, false);
    assert.deepEqual(outcomes(), ['request_timeout']);
  });

  test('is asked for of all other time', () => {
    const { exchange, body, outcomes } = started(TOO_MUCH);
    body(1000);
    exchange.review(11_000, false);
    assert.deepEqual(outcomes(), ['request_timeout']);
  });
});

test('an exchange that ends while its token is verified waits no more, and no late verdict opens a connection', () => {
  const { exchange, permit, counts, outcomes } = started(1);
  exchange.onAborted();
  assert.deepEqual(counts, { cancelled: 1, connections: 0 });
  permit();
  assert.deepEqual(counts, { cancelled: 1, connections: 0 });
  assert.deepEqual(outcomes(), ['client_aborted']);
});
