import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Admin, startAdmin } from '../../src/admin/server.ts';
import { request, Wire } from '../support/wire.ts';
import { FakeView } from './fake-view.ts';
import { HandTimers } from './hand-timers.ts';

const ask = (path: string, lines = ''): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`;
const stream = (lines = ''): string => ask('/status/stream', lines);

/** The events in the bytes of a response: their id, name and data. */
function eventsIn(text: string) {
  return Array.from(
    text.matchAll(/id: (\S+)\nevent: (\w+)\ndata: (.*)\n\n/g),
    ([, id, event, data = '']) => ({
      id,
      event,
      ...(JSON.parse(data) as { samples: Record<string, unknown>[]; rows: Record<string, unknown> | null }),
    }),
  );
}

const events = (count: number) => (text: string) => eventsIn(text).length >= count;

describe('the stream of the status', () => {
  let view: FakeView;
  let timers: HandTimers;
  let admin: Admin;
  let port: number;
  const wires: Wire[] = [];

  const follow = async (lines = ''): Promise<Wire> => {
    const wire = await Wire.open(port);
    wires.push(wire);
    wire.send(stream(lines));
    return wire;
  };
  const fire = async (times: number): Promise<void> => {
    for (let count = 0; count < times; count += 1) await timers.fire();
  };

  beforeEach(async () => {
    view = new FakeView();
    timers = new HandTimers();
    admin = await startAdmin({ host: '127.0.0.1', port: 0, view, timers });
    port = Number(admin.address.slice(admin.address.lastIndexOf(':') + 1));
  });
  afterEach(async () => {
    for (const wire of wires.splice(0)) wire.close();
    await admin.close();
    assert.equal(timers.isArmed, false);
  });

  test('begins with what was before it came, and goes on with a sample each second', async () => {
    await fire(1);
    view.cacheHits += 5;
    view.requestSeconds.observe(0.005);
    await fire(3);
    const wire = await follow();
    const [history] = eventsIn(await wire.pendingIs(events(1)));
    assert.equal(history?.event, 'history');
    assert.deepEqual(
      history?.samples.map(({ cacheHits }) => cacheHits),
      [7, 5, 0, 0],
    );
    assert.equal(history?.samples[1]?.['p50'], 0.0055);
    assert.equal(history?.samples[2]?.['p50'], null);
    view.cacheHits += 2;
    await fire(1);
    const text = await wire.pendingIs(events(2));
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(text, /\r\ncontent-type: text\/event-stream; charset=utf-8\r\n/i);
    assert.match(text, /\r\ncache-control: no-store\r\n/i);
    assert.match(text, /\nretry: 1000\n/);
    const sample = eventsIn(text)[1];
    assert.equal(sample?.event, 'sample');
    assert.equal(sample?.samples.length, 1);
    const { at, seconds, ...rest } = sample?.samples[0] ?? {};
    assert.ok(Number(at) > 0 && Number(seconds) >= 0);
    assert.deepEqual(rest, {
      requests: 0,
      outcomes: {},
      otherOutcomes: 0,
      p50: null,
      p95: null,
      p99: null,
      cacheHits: 2,
      cacheMisses: 0,
      cacheEntries: 4,
      verifyQueue: 5,
      revocations: 3,
      connections: 9,
      h2Connections: 2,
      tunnels: 4,
    });
    const servers = sample?.rows?.['servers'] as unknown[] | undefined;
    assert.equal(servers?.length, 4);
    assert.equal(sample?.rows?.['canSetModes'], false);
    assert.doesNotMatch(text, /hidden/);
  });

  test('tells a viewer that comes back what it has missed, and all if another gateway gave the id', async () => {
    await fire(5);
    const wire = await follow();
    const [first] = eventsIn(await wire.pendingIs(events(1)));
    assert.equal(first?.samples.length, 5);
    wire.close();
    await fire(2);
    const back = await follow(`Last-Event-ID: ${first?.id}\r\n`);
    const [missed] = eventsIn(await back.pendingIs(events(1)));
    assert.equal(missed?.samples.length, 2);
    const again = await follow(`Last-Event-ID: ${missed?.id}\r\n`);
    assert.equal(eventsIn(await again.pendingIs(events(1)))[0]?.samples.length, 0);
    for (const id of ['other-6', 'x', '', `${first?.id}9`]) {
      const all = await follow(`Last-Event-ID: ${id}\r\n`);
      const expected = id.startsWith('other') || id === 'x' || id === '' ? 7 : 0;
      assert.equal(eventsIn(await all.pendingIs(events(1)))[0]?.samples.length, expected, id);
    }
  });

  test('keeps ten minutes, each sample in at most 1 KiB', async () => {
    await fire(700);
    const wire = await follow();
    const [history] = eventsIn(await wire.pendingIs(events(1)));
    assert.equal(history?.samples.length, 600);
    for (const sample of history?.samples ?? []) assert.ok(JSON.stringify(sample).length <= 1024);
  });

  test('has room for 16 viewers, who keep none from the other pages', async () => {
    for (let count = 0; count < 16; count += 1) await (await follow()).pendingIs(events(1));
    const refused = await request(port, stream());
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('content-type'), 'text/plain; charset=utf-8');
    // More than a peer has of other connections: a stream is not the one that makes room.
    const others: Wire[] = [];
    for (let count = 0; count < 20; count += 1) {
      const other = await Wire.open(port);
      others.push(other);
      other.send(ask('/healthz'));
      assert.equal((await other.response()).status, 200);
    }
    await fire(2);
    for (const wire of wires) await wire.pendingIs(events(2));
    for (const other of others) other.close();
    wires[0]?.close();
    // The server learns of it a moment later.
    let status = 503;
    while (status === 503) {
      const wire = await follow();
      await wire.pendingIs((text) => text.includes('\r\n\r\n'));
      status = Number(wire.pending.slice(9, 12));
    }
    assert.equal(status, 200);
  });

  test('ends after 300 samples, so that a viewer shows its secret again', async () => {
    const wire = await follow();
    await wire.pendingIs(events(1));
    for (let count = 1; count < 300; count += 1) {
      await fire(1);
      await wire.pendingIs((text) => text.includes(`-${count}\nevent: sample`));
    }
    await fire(1);
    const text = await wire.untilClosed();
    assert.match(text, /\r\n0\r\n\r\n$/);
  });

  test('drops a viewer that does not read', async () => {
    const faults = Array.from({ length: 20 }, () => 'x'.repeat(20_000));
    const plain = view.configuration();
    view.configuration = () => ({ ...plain, lastReload: { at: 1, ok: false, faults } });
    const wire = await follow();
    await wire.pendingIs(events(1));
    wire.pauseReading();
    // Some 400 kB a second: soon the system takes no more for it, and 15 s later it is gone.
    for (let count = 0; count < 100; count += 1) {
      await fire(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    wire.resumeReading();
    const text = await wire.untilClosed();
    assert.doesNotMatch(text.slice(-10), /\r\n0\r\n\r\n$/);
  });

  test('leaves out rows that are too long, and goes on', async () => {
    const faults = Array.from({ length: 20 }, () => 'x'.repeat(40_000));
    const plain = view.configuration();
    view.configuration = () => ({ ...plain, lastReload: { at: 1, ok: false, faults } });
    const wire = await follow();
    assert.equal(eventsIn(await wire.pendingIs(events(1)))[0]?.rows, null);
  });

  test('sends only the head for HEAD', async () => {
    const reply = await request(port, stream().replace('GET', 'HEAD'));
    assert.equal(reply.status, 200);
    assert.equal(reply.closed, true);
  });

  test('goes on after figures that could not be gathered, which is told once', async () => {
    await fire(2);
    const { gather } = view;
    view.gather = () => Promise.reject(new Error('no figures'));
    await fire(3);
    assert.equal(view.faults.length, 1);
    view.gather = gather;
    await fire(1);
    const wire = await follow();
    assert.equal(eventsIn(await wire.pendingIs(events(1)))[0]?.samples.length, 3);
  });
});

describe('the files of the status page', () => {
  test('allow nothing from elsewhere, and may not be framed or kept', async () => {
    const admin = await startAdmin({ host: '127.0.0.1', port: 0, view: new FakeView() });
    try {
      const port = Number(admin.address.slice(admin.address.lastIndexOf(':') + 1));
      const page = await request(port, ask('/'));
      assert.equal(page.status, 200);
      const linked = Array.from(page.body.matchAll(/(?:src|href)="([^"]+)"/g), ([, path = '']) => path);
      assert.ok(linked.length >= 5);
      for (const path of ['/', ...linked]) {
        const { status, headers } = await request(port, ask(path));
        assert.equal(status, 200, path);
        assert.equal(headers.get('cache-control'), 'no-store');
        assert.equal(headers.get('x-content-type-options'), 'nosniff');
        assert.equal(headers.get('referrer-policy'), 'no-referrer');
        const policy = headers.get('content-security-policy')?.split('; ') ?? [];
        assert.ok(policy.includes("default-src 'none'") && policy.includes("frame-ancestors 'none'"), path);
        assert.ok(policy.includes("base-uri 'none'") && policy.includes("form-action 'self'"), path);
        assert.doesNotMatch(policy.join(), /unsafe|https?:|\*/);
      }
    } finally {
      await admin.close();
    }
  });

  test('and the stream need the secret; a browser without it is sent to the form', async () => {
    const options = { host: '127.0.0.1', port: 0, view: new FakeView(), secret: 's3cret' };
    const admin = await startAdmin(options);
    try {
      const port = Number(admin.address.slice(admin.address.lastIndexOf(':') + 1));
      for (const path of ['/', '/page/page.js', '/status/stream']) {
        const reply = await request(port, ask(path));
        assert.equal(reply.status, 401, path);
        assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer /);
      }
      const { status, headers } = await request(port, ask('/', 'Accept: text/html\r\n'));
      assert.deepEqual([status, headers.get('location')], [303, '/login']);
      assert.equal((await request(port, ask('/', 'Authorization: Bearer s3cret\r\n'))).status, 200);
    } finally {
      await admin.close();
    }
  });
});
