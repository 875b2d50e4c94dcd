import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Protocol } from '../../../src/front/node/client-socket.ts';
import { PriorKnowledge } from '../../../src/front/node/prior-knowledge.ts';
import { PREFACE } from './h2/frames.ts';

/** A protocol that notes what it is told. */
class Noting implements Protocol {
  readonly name: string;
  readonly events: string[] = [];
  text = '';

  constructor(name: string) {
    this.name = name;
  }

  onBytes(bytes: Buffer): void {
    this.text += bytes.toString('latin1');
  }

  onDrained(): void {
    this.events.push('drained');
  }

  onEnd(): void {
    this.events.push('end');
  }

  onClosed(): void {
    this.events.push('closed');
  }

  review(now: number): void {
    this.events.push(`review ${now}`);
  }

  drain(): void {
    this.events.push('drain');
  }
}

class Choice {
  chosen: Noting | undefined;
  ended = 0;
  readonly protocol = new PriorKnowledge({
    http1: () => this.#choose('http1'),
    http2: () => this.#choose('http2'),
    keepAliveMs: 60_000,
    requestHeadMs: 10_000,
    end: () => {
      this.ended += 1;
    },
  });

  #choose(name: string): Noting {
    assert.equal(this.chosen, undefined, 'chosen twice');
    this.chosen = new Noting(name);
    return this.chosen;
  }

  send(...pieces: readonly Buffer[]): this {
    for (const piece of pieces) {
      const shared = Buffer.from(piece);
      this.protocol.onBytes(shared);
      shared.fill(0xee);
    }
    return this;
  }
}

const get = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n');

test('the preface chooses HTTP/2 and any other beginning HTTP/1, cut in any place', () => {
  for (const [text, name] of [
    [PREFACE.toString('latin1'), 'http2'],
    ['PRI * HTTP/2.0\r\nwhatever', 'http2'],
    [get.toString('latin1'), 'http1'],
    ['POST / HTTP/1.1\r\n\r\n', 'http1'],
    ['PROPFIND / HTTP/1.1\r\n\r\n', 'http1'],
    ['PRI / HTTP/1.1\r\n\r\n', 'http1'],
    ['PRI * HTTP/2.1\r\n\r\n', 'http1'],
    ['PRI * HTTP/2.0\n\n', 'http1'],
    ['\r\n\r\nGET', 'http1'],
  ] as const) {
    const bytes = Buffer.from(text, 'latin1');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].filter(({ length }) => length > 0);
      const { chosen } = new Choice().send(...pieces);
      assert.deepEqual([chosen?.name, chosen?.text], [name, text], `${JSON.stringify(text)} at ${cut}`);
    }
    const single = new Choice().send(...Array.from(bytes, (byte) => Buffer.of(byte)));
    assert.deepEqual([single.chosen?.name, single.chosen?.text], [name, text]);
  }
});

test('half of the preface chooses nothing, and is not waited for without end', () => {
  const choice = new Choice().send(PREFACE.subarray(0, 10));
  assert.equal(choice.chosen, undefined);
  choice.protocol.review(0);
  choice.protocol.review(9_999);
  assert.equal(choice.ended, 0);
  choice.protocol.review(10_000);
  assert.equal(choice.ended, 1);
});

test('a client that sends nothing has the time of an idle connection', () => {
  const choice = new Choice();
  choice.protocol.review(0);
  choice.protocol.review(59_999);
  assert.equal(choice.ended, 0);
  choice.protocol.review(60_000);
  assert.equal(choice.ended, 1);
});

test('a client that ends before a protocol is chosen is done with', () => {
  const choice = new Choice().send(PREFACE.subarray(0, 3));
  choice.protocol.onEnd();
  choice.protocol.onClosed();
  assert.deepEqual([choice.ended, choice.chosen], [1, undefined]);
});

test('the chosen protocol hears of all that follows, and of a drain before it was chosen', () => {
  const choice = new Choice();
  choice.protocol.onDrained();
  choice.protocol.drain();
  choice.send(get, get);
  choice.protocol.onDrained();
  choice.protocol.review(5);
  choice.protocol.drain();
  choice.protocol.onEnd();
  choice.protocol.onClosed();
  assert.deepEqual(choice.chosen?.events, ['drain', 'drained', 'review 5', 'drain', 'end', 'closed']);
  assert.equal(choice.chosen?.text, `${get}${get}`);
  assert.equal(choice.ended, 0);
});
