import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HeldBytes } from '../../../../src/front/node/h2/held-bytes.ts';
import {
  data,
  flags,
  get,
  getBlock,
  goAwayCode,
  H2Client,
  post,
  reset,
  resetCode,
  responseHead,
  windowUpdate,
} from './client.ts';
import { errors } from './conformance/rows.ts';
import { frame, settings, settingsAck, types } from './frames.ts';
import { indexed, literal, sizeUpdate } from './hpack/reference-encoder.ts';

/** Sends `attack` for each number from 1 until the connection ends. @returns how many times it was sent. */
function sendUntilEnd(client: H2Client, attack: (at: number) => Uint8Array, most = 5_000): number {
  let at = 0;
  while (!client.socket.closed && at < most) {
    at += 1;
    client.send(attack(at));
  }
  return at;
}

const stream = (at: number): number => 2 * at - 1;
const unknown = (): Buffer => frame(0x55, 0, 0, Buffer.alloc(20));
const priority = frame(types.priority, 0, 1, Buffer.from('0000000010', 'hex'));

/** Floods of frames that cost their sender nothing, and the most of them that any connection may send at once. */
const floods: Readonly<Record<string, readonly [attack: (at: number) => Uint8Array, most: number]>> = {
  'SETTINGS (CVE-2019-9515)': [() => settings(), 101],
  'SETTINGS that change the window of all streams': [(at) => settings([0x4, 60_000 + (at % 2)]), 101],
  'acknowledgements of SETTINGS': [() => settingsAck, 1_001],
  'PING (CVE-2019-9512)': [() => frame(types.ping, 0, 0, Buffer.alloc(8)), 1_001],
  'PRIORITY (CVE-2019-9513)': [() => priority, 1_001],
  'unknown frames': [unknown, 1_001],
  GOAWAY: [() => frame(types.goaway, 0, 0, Buffer.alloc(8)), 1_001],
  'WINDOW_UPDATE on the connection': [() => windowUpdate(0, 1), 1_001],
  'WINDOW_UPDATE on a stream': [(at) => (at === 1 ? get(1) : windowUpdate(1, 1)), 1_002],
  'empty DATA (CVE-2019-9518)': [(at) => (at === 1 ? post(1) : data(1, '')), 1_002],
  'DATA with nothing but padding': [
    (at) => (at === 1 ? post(1) : frame(types.data, flags.padded, 1, Buffer.of(1, 0))),
    1_002,
  ],
  'rapid reset (CVE-2023-44487)': [(at) => Buffer.concat([get(stream(at)), reset(stream(at))]), 251],
  'rapid reset of uploads': [
    (at) => Buffer.concat([post(stream(at)), data(stream(at), 'x'), reset(stream(at))]),
    251,
  ],
  'resets that our side must send: WINDOW_UPDATE of 0 (CVE-2025-8671)': [
    (at) => Buffer.concat([get(stream(at)), windowUpdate(stream(at), 0)]),
    251,
  ],
  'resets that our side must send: an overflow': [
    (at) => Buffer.concat([get(stream(at)), windowUpdate(stream(at), 0x7fffffff)]),
    251,
  ],
  'resets that our side must send: DATA behind the end': [
    (at) => Buffer.concat([get(stream(at)), data(stream(at), 'x')]),
    251,
  ],
  'resets that our side must send: a wrong length': [
    (at) => Buffer.concat([post(stream(at), ['content-length', '1']), data(stream(at), '', true)]),
    251,
  ],
  'malformed heads': [(at) => get(stream(at), '/', ['X', 'y']), 501],
  'DATA on a stream that was reset': [
    (at) => (at === 1 ? Buffer.concat([post(1), windowUpdate(1, 0)]) : data(1, 'x')),
    1_001,
  ],
  'DATA on streams that were left out': [(at) => (at === 1 ? get(9_999) : data(stream(at), 'x')), 252],
  'RST_STREAM on a stream that is over': [
    (at) => (at === 1 ? Buffer.concat([get(1), reset(1)]) : reset(1)),
    1_001,
  ],
  'requests above the number of streams': [(at) => get(stream(at)), 128 + 501],
};

describe('floods end the connection with ENHANCE_YOUR_CALM', () => {
  for (const [name, [attack, most]] of Object.entries(floods)) {
    test(name, async () => {
      const client = new H2Client();
      const sent = sendUntilEnd(client, attack);
      assert.equal(goAwayCode(await client.frames()), errors.calm);
      assert.ok(sent > 90 && sent <= most, `${sent}`);
      assert.ok(client.exchanges.length <= most, `${client.exchanges.length} exchanges`);
      assert.ok(client.exchanges.every(({ aborted, replied }) => aborted || replied !== undefined));
    });
  }

  test('and what a client may spend comes back with time, not at once', async () => {
    const client = new H2Client();
    client.connection.review(0);
    for (let second = 0; second < 20; second += 1) {
      for (let at = 0; at < 190; at += 1) client.send(windowUpdate(0, 1));
      client.connection.review(second * 1000);
    }
    assert.equal(goAwayCode(await client.frames()), undefined);
    const sent = sendUntilEnd(client, () => windowUpdate(0, 1));
    assert.ok(sent <= 1_001, `${sent}`);
  });

  test('but a download with two window updates for each frame goes on for ever', async () => {
    const client = new H2Client();
    client.send(get(1));
    const exchange = client.exchange();
    exchange.client.begin(responseHead(200));
    for (let at = 0; at < 5_000; at += 1) {
      assert.equal(exchange.client.send([Buffer.from('x')], false), true);
      client.send(windowUpdate(0, 1), windowUpdate(1, 1));
    }
    assert.equal(goAwayCode(await client.frames()), undefined);
  });

  test('and so do requests that get their responses', async () => {
    const client = new H2Client();
    for (let at = 1; at < 5_000; at += 1) {
      client.send(get(stream(at)), windowUpdate(0, 2));
      client.exchange(-1).respond();
      client.exchanges.length = 0;
    }
    assert.equal(goAwayCode(await client.frames()), undefined);
  });
});

describe('rapid reset', () => {
  test('never leaves more exchanges open than there may be streams', () => {
    const client = new H2Client();
    const open = (): number => client.exchanges.filter(({ aborted }) => !aborted).length;
    for (let at = 1; at < 200; at += 1) {
      client.send(get(stream(at)));
      if (at > 100) client.send(reset(stream(at - 100)));
      assert.ok(open() <= 128);
    }
  });
});

describe('field blocks', () => {
  const open = frame(types.headers, flags.endStream, 1, getBlock());
  const more = (payload: Uint8Array): Buffer => frame(types.continuation, 0, 1, payload);

  for (const [name, payload, most] of [
    ['of empty CONTINUATION frames (CVE-2024-27316)', Buffer.alloc(0), 41],
    ['of CONTINUATION frames with a byte', Buffer.of(0x82), 41],
    ['of large CONTINUATION frames', Buffer.alloc(16_384, 0x82), 3],
  ] as const) {
    test(`without end, ${name}, are not collected`, async () => {
      const client = new H2Client();
      client.send(open);
      const sent = sendUntilEnd(client, () => more(payload));
      assert.equal(goAwayCode(await client.frames()), errors.calm);
      assert.ok(sent <= most, `${sent}`);
      assert.equal(client.exchanges.length, 0);
    });
  }

  test('that refer to a large field again and again cost what their bytes cost', async () => {
    const client = new H2Client();
    const large = literal('incremental', 'x-l', 'v'.repeat(4_000));
    const bomb = Buffer.concat([getBlock(), large, ...new Array<Buffer>(12_000).fill(indexed(62))]);
    client.send(frame(types.headers, flags.end, 1, bomb));
    assert.equal(client.exchange().client.head.fault, 'request_head_too_large');
    assert.deepEqual(client.exchange().client.head.values.join('').length, 0);
    assert.equal(goAwayCode(await client.frames()), undefined);
  });

  test('with thousands of fields are refused by their number', () => {
    const client = new H2Client({ terms: { limits: { requestHead: 262_144, headerFields: 250 } } });
    client.send(get(1, '/', ...new Array<readonly [string, string]>(249).fill(['a', ''])));
    client.send(get(3, '/', ...new Array<readonly [string, string]>(250).fill(['a', ''])));
    assert.deepEqual(
      client.exchanges.map(({ client: one }) => one.head.fault),
      [undefined, 'request_head_too_large'],
    );
  });

  test('with cookie crumbs that pass the limit together are refused', () => {
    const client = new H2Client();
    client.send(get(1, '/', ...new Array<readonly [string, string]>(200).fill(['cookie', 'a'.repeat(50)])));
    assert.equal(client.exchange().client.head.fault, 'request_head_too_large');
  });

  test('that change the table size in the middle, or three times, end the connection', async () => {
    for (const block of [
      Buffer.concat([getBlock(), sizeUpdate(0)]),
      Buffer.concat([sizeUpdate(0), sizeUpdate(1), sizeUpdate(2), getBlock()]),
    ]) {
      const client = new H2Client();
      client.send(frame(types.headers, flags.end, 1, block));
      assert.equal(goAwayCode(await client.frames()), errors.compression);
    }
  });
});

describe('a client that does not read', () => {
  test('gets neither heads nor DATA pushed into memory: each stream holds what it was given once', async () => {
    const client = new H2Client();
    client.send(settings([0x4, 0x7fffffff]), windowUpdate(0, 0x70000000));
    client.socket.free = false;
    for (let at = 1; at <= 128; at += 1) {
      client.send(get(stream(at)));
      const { client: one } = client.exchange(-1);
      one.begin(responseHead(200));
      assert.equal(one.send([Buffer.alloc(100_000)], false), false);
    }
    await client.frames();
    // What one write holds, and not that of 128 streams.
    assert.ok(client.socket.unsent < 70_000, `${client.socket.unsent}`);
    assert.equal(client.exchanges.filter(({ client: one }) => one.started).length, 1);
  });

  test('is not read any more when replies to its frames pile up, and is read again', async () => {
    const client = new H2Client();
    client.socket.free = false;
    const pings = Buffer.concat(new Array<Buffer>(100).fill(frame(types.ping, 0, 0, Buffer.alloc(8))));
    client.send(pings);
    await client.frames();
    assert.equal(client.socket.paused, false);
    client.socket.unsent = 130_000;
    client.send(pings);
    assert.equal(client.socket.paused, true);
    client.socket.free = true;
    client.socket.unsent = 0;
    client.connection.onDrained();
    assert.equal(client.socket.paused, false);
  });

  test('gets the rest in turns when it reads again', async () => {
    const client = new H2Client();
    client.send(settings([0x4, 0x7fffffff]), windowUpdate(0, 0x70000000), get(1), get(3));
    client.socket.free = false;
    await client.frames();
    for (const exchange of client.exchanges) assert.equal(exchange.respond('x'.repeat(200_000)), false);
    assert.equal((await client.frames()).filter(({ type }) => type === types.data).length, 0);
    assert.deepEqual(
      client.exchanges.map(({ client: one }) => [one.started, one.behind]),
      [
        [false, true],
        [false, true],
      ],
    );
    client.socket.free = true;
    client.connection.onDrained();
    const sent = (await client.frames()).filter(({ type }) => type === types.data);
    assert.equal(
      sent.reduce((sum, { payload }) => sum + payload.length, 0),
      400_000,
    );
    assert.deepEqual(
      client.exchanges.map(({ drained }) => drained),
      [1, 1],
    );
  });

  test('stops the DATA of a fast response as soon as its socket is full', async () => {
    const client = new H2Client();
    client.send(settings([0x4, 0x7fffffff]), windowUpdate(0, 0x70000000), get(1));
    await client.frames();
    client.socket.free = false;
    const { client: one } = client.exchange();
    one.begin(responseHead(200));
    assert.equal(one.send([Buffer.alloc(1_000_000)], false), false);
    assert.ok(client.socket.unsent < 100_000, `${client.socket.unsent}`);
  });
});

test('streams under a closed window hold nothing but their heads, and no more than there may be', async () => {
  const client = new H2Client();
  client.send(settings([0x4, 0]));
  for (let at = 1; at <= 1_000 && !client.socket.closed; at += 1) {
    client.send(get(stream(at)));
    const last = client.exchanges.at(-1);
    if (last?.client.started === false) last.respond('x'.repeat(1000));
  }
  assert.equal(client.exchanges.length, 128);
  assert.equal(resetCode(await client.frames(), 257), errors.refused);
});

test('clients that take nothing cannot fill the memory: there is room for all of them together, and no more', async () => {
  const held = new HeldBytes(250_000);
  const clients = [new H2Client({ terms: { held } }), new H2Client({ terms: { held } })];
  const piece = Buffer.alloc(100_000);
  for (const client of clients) {
    client.send(settings([0x4, 0]), get(1), get(3));
    for (const exchange of client.exchanges) {
      exchange.client.begin(responseHead(200));
      // A stream that lost its response is over: nothing is held back any more.
      assert.equal(exchange.client.send([piece], false), client === clients[1]);
    }
  }
  assert.equal(held.bytes, 200_000);
  const [first, second] = clients as [H2Client, H2Client];
  assert.equal(resetCode(await second.frames(), 3), errors.calm);
  assert.deepEqual(
    [...first.exchanges, ...second.exchanges].map(({ aborted }) => aborted),
    [false, false, true, true],
  );
  // Taken, reset or gone: the room comes back.
  first.send(windowUpdate(1, 100_000), windowUpdate(0, 100_000));
  assert.equal(held.bytes, 100_000);
  first.send(get(5));
  const { client: third } = first.exchange(2);
  third.begin(responseHead(200));
  assert.equal(third.send([piece], true), false);
  first.send(reset(3));
  assert.equal(held.bytes, 100_000);
  first.connection.onClosed();
  assert.equal(held.bytes, 0);
});

test('one turn makes one write', async () => {
  const client = new H2Client();
  await client.frames();
  const { writes } = client.socket;
  client.send(...Array.from({ length: 10 }, (_, at) => get(2 * at + 1)));
  for (const exchange of client.exchanges) exchange.respond();
  await client.frames();
  assert.equal(client.socket.writes, writes + 1);
});
