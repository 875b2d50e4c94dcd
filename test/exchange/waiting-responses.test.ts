import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExchangeContext } from '../../src/exchange/context.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { Tally } from '../../src/exchange/tally.ts';
import type { RequestHead } from '../../src/http/message.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Turn } from '../../src/lib/turn.ts';
import { Budget } from '../../src/limits/budget.ts';
import { Marker } from '../../src/trace/marker.ts';
import { BodyCopies } from '../../src/upstream/body-copies.ts';
import type { ResponseHead } from '../../src/upstream/h1/response-head.ts';
import { bareHead, ScriptedStream } from '../support/scripted-front.ts';

/** Bytes that make the gateway pause the client, and more. */
const MUCH = 100 * 1024;

/** An exchange whose request is with upstream, and the engine's side of it: a socket that is `free` or full. */
function sent(framing: RequestHead['framing']) {
  const calls: string[] = [];
  const stream = new ScriptedStream(
    {
      ...bareHead,
      method: 'POST',
      framing,
      contentLength: framing === 'length' ? 16 * MUCH : 0,
    },
    calls,
  );
  // Upstream reads nothing of a body.
  const connection = {
    send() {},
    upload: () => false,
    uploadNow: () => 0,
    keepsUpload: true,
    endUpload() {},
    pause: () => calls.push('stop upstream'),
    resume: () => calls.push('go on upstream'),
    abandon() {},
  };
  const tally = new Tally();
  const route = {
    name: '/',
    forwarded: new Set(),
    tally: tally.route('/'),
    upstream: { name: 'app', checkOut: () => connection },
  };
  let ended = 0;
  const service = {
    tally,
    marker: new Marker(undefined, undefined, systemClock, false),
    clock: { monotonic: () => 0, wall: () => 0 },
    routes: { find: () => route },
    authorizer: { authorize: () => ({ kind: 'permit' }) },
    writer: { write: () => ({ text: '', encoding: 'latin1' }) },
    budget: new Budget(16 * MUCH),
    copies: new BodyCopies(),
    turn: new Turn(),
    requestBodyLimit: Number.POSITIVE_INFINITY,
    onEnd: () => {
      ended += 1;
    },
  } as unknown as ExchangeContext<Exchange>;
  const exchange = new Exchange(service, stream);
  exchange.start();
  return {
    exchange,
    stream,
    told: () => stream.calls(),
    state: () => [ended, tally.route('/').forwarded.value],
  };
}

const response = (framing: ResponseHead['framing'], contentLength: number): ResponseHead =>
  ({
    status: 200,
    lines: '200 OK\r\nX-A: 1',
    eightBit: false,
    framing,
    contentLength,
  }) as unknown as ResponseHead;
const bytes = (size: number): Uint8Array => new Uint8Array(size);

describe('a response is forwarded when the client’s socket has taken its last byte, not before', () => {
  test('in one piece', () => {
    const { exchange, stream, state } = sent('none');
    stream.free = false;
    exchange.onResponse(response('length', 10), [bytes(10)], true);
    assert.deepEqual(state(), [0, 0]);
    stream.drain();
    assert.deepEqual(state(), [1, 1]);
  });

  for (const [name, framing, length] of [
    ['by length', 'length', 30],
    ['chunked', 'chunked', -1],
  ] as const) {
    test(`in pieces, ${name}`, () => {
      const { exchange, stream, told, state } = sent('none');
      exchange.onResponse(response(framing, length), [bytes(10)], false);
      stream.free = false;
      exchange.onResponse(undefined, [bytes(10)], false);
      assert.equal(told().at(-1), 'stop upstream');
      stream.drain();
      assert.equal(told().at(-1), 'go on upstream');
      assert.deepEqual(state(), [0, 0]);
      stream.free = false;
      exchange.onResponse(undefined, [bytes(10)], true);
      assert.deepEqual(state(), [0, 0]);
      stream.drain();
      assert.deepEqual(state(), [1, 1]);
    });
  }
});

test('a client that had to pause is paused once', () => {
  const { stream, told } = sent('length');
  stream.receive(bytes(MUCH), false);
  stream.receive(bytes(MUCH), false);
  assert.deepEqual(told(), ['pause']);
});
