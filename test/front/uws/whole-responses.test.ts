import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Replies } from '../../../src/replies/replies.ts';
import { Events, FakeResponse, patient, responseHead, streamOn } from './fake-response.ts';

const replies = new Replies('rfc6750', 'portcullis');
const bytes = (size: number): Uint8Array => new Uint8Array(size);

/** The engine's calls, without heads. */
const calls = (fake: FakeResponse): string[] =>
  fake.calls.splice(0).filter((call) => !/^(status|header)/.test(call));

function stream(head: Parameters<typeof streamOn>[1] = {}, terms = patient) {
  const fake = new FakeResponse();
  const events = new Events();
  const made = streamOn(fake, head, terms);
  made.listen(events);
  return { fake, events, stream: made };
}

const upload = { method: 'POST', framing: 'length', contentLength: 1000 } as const;

describe('a client that had to pause', () => {
  test('is resumed before a response in one piece, after which the engine takes the connection for free', () => {
    const { fake, stream: one } = stream(upload);
    one.takeBody(true);
    one.pauseBody();
    assert.deepEqual(calls(fake), ['pause']);
    one.begin(responseHead('200 OK', { contentLength: 10 }));
    one.send([bytes(10)], true);
    assert.deepEqual(calls(fake), ['resume', 'tryEnd 10']);
  });

  test('stays paused during a response in pieces, and is resumed before the last one', () => {
    const { fake, stream: one } = stream(upload);
    one.takeBody(true);
    one.pauseBody();
    one.begin(responseHead('200 OK'));
    one.send([bytes(10)], false);
    assert.deepEqual(calls(fake), ['pause', 'write 10']);
    fake.body(new ArrayBuffer(100), false);
    assert.deepEqual(calls(fake), []);
    one.send([bytes(10)], true);
    assert.deepEqual(calls(fake), ['resume', 'write 10', 'end 0']);
  });
});

describe('a head', () => {
  test('waits for the first byte of the body, so that a reply can still take its place', () => {
    const { fake, events, stream: one } = stream();
    one.begin(responseHead('200 OK'));
    assert.equal(one.send([], false), true);
    assert.deepEqual([fake.calls, one.started], [[], false]);
    one.reply(replies.of('upstream_reset'));
    assert.match(fake.calls[0] ?? '', /^status 502 /);
    assert.deepEqual([events.replied, one.open], [[true], false]);
  });

  test('leaves with a whole body, as one response', () => {
    const { fake, stream: one } = stream();
    one.begin(responseHead('200 OK'));
    one.send([], false);
    assert.equal(one.send([bytes(3)], true), true);
    assert.deepEqual(calls(fake), ['tryEnd 3']);
  });
});

describe('a reply', () => {
  test('that ends the connection waits for the end of the turn', async () => {
    const { fake, events, stream: one } = stream();
    one.reply(replies.of('request_malformed'));
    assert.deepEqual([fake.calls, events.replied], [[], []]);
    await turn();
    assert.match(calls(fake).join(), /^end \d+ close$/);
    assert.deepEqual(events.replied, [true]);
  });

  test('to a client that has left meanwhile is not sent', async () => {
    const { fake, events, stream: one } = stream();
    one.reply(replies.of('request_malformed'));
    fake.aborted();
    await turn();
    assert.deepEqual([fake.calls, events.replied], [[], [false]]);
  });

  test('after the start of a response cuts it', () => {
    const { fake, events, stream: one } = stream();
    one.begin(responseHead('200 OK'));
    one.send([bytes(3)], false);
    one.reply(replies.of('upstream_reset'));
    assert.deepEqual(calls(fake), ['write 3', 'close']);
    assert.deepEqual([events.replied, events.aborted], [[false], 0]);
  });
});

describe('the connection ends with the response', () => {
  for (const [name, head, terms] of [
    ['when its client wants that', { close: true }, patient],
    ['behind a chunked request', { framing: 'chunked' }, patient],
    ['when the front drains', {}, { ...patient, draining: true }],
    ['when it has carried as many requests as it may', {}, { ...patient, requestsPerConnection: 1 }],
  ] as const) {
    test(name, () => {
      const { fake, stream: one } = stream(head, terms);
      one.begin(responseHead('200 OK', { contentLength: 3 }));
      one.send([bytes(3)], true);
      assert.deepEqual(calls(fake), ['end 3 close']);
    });
  }

  test('and otherwise does not', () => {
    const { fake, stream: one } = stream();
    one.begin(responseHead('200 OK', { contentLength: 3 }));
    one.send([bytes(3)], true);
    assert.deepEqual(calls(fake), ['tryEnd 3']);
  });
});

describe('a body that is still read after the end of the response', () => {
  const large = { ...upload, contentLength: 32 * 1024 * 1024 };

  test('delays the end of a response in pieces, if more may come than may be held', () => {
    const { fake, events, stream: one } = stream(large);
    one.takeBody(true);
    one.begin(responseHead('200 OK'));
    one.send([bytes(3)], false);
    one.keepBody(0);
    assert.equal(one.send([bytes(2)], true), false);
    assert.equal(one.open, true);
    one.releaseBody();
    assert.deepEqual([one.open, events.drained], [false, 1]);
    assert.equal(calls(fake).at(-1), 'end 0');
  });

  test('does not delay it for bytes alone that the client has not taken', () => {
    const { fake, events, stream: one } = stream(large);
    one.takeBody(true);
    one.begin(responseHead('200 OK'));
    one.send([bytes(3)], false);
    one.keepBody(0);
    fake.free = 0;
    assert.equal(one.send([bytes(2)], true), false);
    fake.free = 100;
    fake.writable(0);
    assert.deepEqual([one.open, events.drained], [true, 0]);
    one.releaseBody();
    assert.deepEqual([one.open, events.drained], [false, 1]);
  });

  test('does not delay it when the rest fits', () => {
    const { stream: one } = stream(upload);
    one.takeBody(true);
    one.begin(responseHead('200 OK'));
    one.send([bytes(3)], false);
    one.keepBody(0);
    assert.equal(one.send([bytes(2)], true), true);
    assert.equal(one.open, false);
  });
});
