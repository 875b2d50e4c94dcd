import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Exchange } from '../../src/exchange/exchange.ts';
import type { Service } from '../../src/exchange/service.ts';
import { Tally } from '../../src/exchange/tally.ts';
import { Downstream } from '../../src/front/uws/downstream.ts';
import type { EngineResponse } from '../../src/front/uws/engine.ts';
import { Peers } from '../../src/front/uws/peers.ts';
import type { RequestHead } from '../../src/http/message.ts';
import { Turn } from '../../src/lib/turn.ts';
import { Budget } from '../../src/limits/budget.ts';
import { BodyCopies } from '../../src/upstream/body-copies.ts';
import type { ResponseHead } from '../../src/upstream/h1/response-head.ts';

/** More than is held before the client is asked to pause, in bytes. */
const MUCH = 100 * 1024;

/** An exchange whose request is with upstream, and the engine's side of it: a socket that is `free` or full. */
function sent(framing: RequestHead['framing']) {
  const calls: string[] = [];
  const engine = {
    free: true,
    offset: 0,
    body: (_chunk: ArrayBuffer, _last: boolean): void => {},
    writable: (_offset: number): boolean => true,
  };
  const response = {
    onAborted() {},
    onData(handler: typeof engine.body) {
      engine.body = handler;
    },
    onWritable(handler: typeof engine.writable) {
      engine.writable = handler;
    },
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
    cork: (work: () => void) => work(),
    writeStatus() {},
    writeHeader() {},
    write() {
      calls.push('write');
      return engine.free;
    },
    tryEnd(chunk: Uint8Array, total: number) {
      calls.push('write');
      if (engine.free) engine.offset += chunk.length;
      return [engine.free, engine.free && engine.offset === total];
    },
    end: () => calls.push('end'),
    getWriteOffset: () => engine.offset,
  } as unknown as EngineResponse;
  // Upstream takes nothing of a body.
  const connection = {
    send() {},
    upload: () => false,
    uploadNow: () => 0,
    keepsUpload: true,
    endUpload() {},
    pause: () => calls.push('stop upstream'),
    resume: () => calls.push('go on upstream'),
    leave() {},
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
    clock: { monotonic: () => 0, wall: () => 0 },
    routes: { find: () => route },
    authorizer: { authorize: () => ({ kind: 'permit' }) },
    writer: { write: () => ({ text: '', encoding: 'latin1' }) },
    budget: new Budget(16 * MUCH),
    copies: new BodyCopies(),
    turn: new Turn(),
    requestBodyLimit: Number.POSITIVE_INFINITY,
    requestsPerConnection: Number.POSITIVE_INFINITY,
    draining: () => false,
    onEnd: () => {
      ended += 1;
    },
  } as unknown as Service<Exchange>;
  const head: RequestHead = {
    method: 'POST',
    path: '/x',
    query: undefined,
    names: [],
    values: [],
    host: 'a',
    authorization: undefined,
    authorizationCount: 0,
    framing,
    contentLength: framing === 'length' ? 16 * MUCH : 0,
    close: false,
    fault: undefined,
  };
  const exchange = new Exchange(service, head, new Downstream(response, new Peers()));
  exchange.start();
  return {
    exchange,
    engine,
    told: () => calls.splice(0),
    state: () => [ended, tally.route('/').forwarded.value],
  };
}

const answer = (framing: ResponseHead['framing'], contentLength: number): ResponseHead =>
  ({
    status: 200,
    lines: '200 OK\r\nX-A: 1',
    eightBit: false,
    framing,
    contentLength,
  }) as unknown as ResponseHead;
const bytes = (size: number): Uint8Array => new Uint8Array(size);

describe('an answer is forwarded when the client’s socket has taken its last byte, not before', () => {
  test('in one piece', () => {
    const { exchange, engine, state } = sent('none');
    engine.free = false;
    exchange.onResponse(answer('length', 10), [bytes(10)], true);
    assert.deepEqual(state(), [0, 0]);
    engine.free = true;
    engine.writable(0);
    assert.deepEqual(state(), [1, 1]);
  });

  for (const [name, framing, length] of [
    ['by length', 'length', 30],
    ['chunked', 'chunked', -1],
  ] as const) {
    test(`in pieces, ${name}`, () => {
      const { exchange, engine, told, state } = sent('none');
      exchange.onResponse(answer(framing, length), [bytes(10)], false);
      engine.free = false;
      exchange.onResponse(undefined, [bytes(10)], false);
      assert.equal(told().at(-1), 'stop upstream');
      engine.free = true;
      engine.writable(10);
      assert.equal(told().at(-1), 'go on upstream');
      assert.deepEqual(state(), [0, 0]);
      engine.free = false;
      exchange.onResponse(undefined, [bytes(10)], true);
      assert.deepEqual(state(), [0, 0]);
      engine.free = true;
      engine.writable(20);
      assert.deepEqual(state(), [1, 1]);
    });
  }
});

describe('a client that had to pause', () => {
  test('is read again before an answer in one piece, behind which the engine takes the connection for free', () => {
    const { exchange, engine, told } = sent('length');
    engine.body(new ArrayBuffer(MUCH), false);
    engine.body(new ArrayBuffer(MUCH), false);
    assert.deepEqual(told(), ['pause']);
    exchange.onResponse(answer('length', 10), [bytes(10)], true);
    assert.deepEqual(told(), ['resume', 'write']);
  });

  test('stays so while its answer comes in pieces, and is read again before the last one', () => {
    const { exchange, engine, told } = sent('length');
    engine.body(new ArrayBuffer(MUCH), false);
    engine.body(new ArrayBuffer(MUCH), false);
    assert.deepEqual(told(), ['pause']);
    exchange.onResponse(answer('chunked', -1), [bytes(10)], false);
    assert.deepEqual(told(), ['write']);
    engine.body(new ArrayBuffer(MUCH), false);
    assert.deepEqual(told(), []);
    exchange.onResponse(undefined, [bytes(10)], true);
    assert.deepEqual(told(), ['resume', 'write', 'end']);
  });
});
