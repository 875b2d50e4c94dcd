import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Slots } from '../../src/lib/slots.ts';
import { NameWatch, type WatchedName } from '../../src/watch/name-watch.ts';
import { silentLog } from '../support/gateway.ts';
import { settled, VirtualTime } from './virtual-time.ts';

type Answer = readonly string[] | { readonly code: string } | Promise<readonly string[]>;

/** A watch of one name, with answers of the test and time that stands still. */
class Stand {
  readonly time = new VirtualTime();
  readonly lines: string[] = [];
  /** The milliseconds of each look-up. */
  readonly asked: number[] = [];
  answer: Answer = ['10.0.0.1'];
  seconds: number | undefined;
  told = 0;
  readonly #lookups = new Slots(2);

  watch(name: Partial<WatchedName> = {}): NameWatch {
    const line = (fields: object, message: string): void =>
      void this.lines.push(`${message} ${JSON.stringify(fields)}`);
    return new NameWatch(
      { upstream: 'app', host: 'app.internal', everyMs: 30_000, most: 64, ...name },
      {
        resolver: {
          addresses: async () => {
            this.asked.push(this.time.now);
            const answer = await this.answer;
            if ('code' in answer) throw Object.assign(new Error('getaddrinfo'), answer);
            return answer;
          },
          timeToLive: async () => this.seconds,
        },
        clock: this.time.clock,
        timers: this.time.timers,
        random: () => 0,
        log: { ...silentLog, info: line, warn: line },
        lookups: this.#lookups,
      },
      () => {
        this.told += 1;
      },
    );
  }
}

describe('a name of an upstream', () => {
  test('is looked up again and again, and only other addresses are told', async () => {
    const stand = new Stand();
    stand.answer = ['10.0.0.2', '10.0.0.1', '::1', '10.0.0.1'];
    const watch = stand.watch();
    assert.equal(watch.addresses, undefined);
    await watch.tried;
    assert.deepEqual(watch.addresses, ['10.0.0.1', '10.0.0.2', '::1']);
    assert.equal(stand.told, 1);
    // Another order is no change.
    stand.answer = ['::1', '10.0.0.1', '10.0.0.2'];
    await stand.time.pass(30_000);
    assert.deepEqual(stand.asked, [0, 30_000]);
    assert.equal(stand.told, 1);
    stand.answer = ['10.0.0.2', '10.0.0.3'];
    await stand.time.pass(30_000);
    assert.equal(stand.told, 2);
    assert.deepEqual(watch.addresses, ['10.0.0.2', '10.0.0.3']);
    assert.deepEqual(stand.lines, [
      'the name of an upstream server has these addresses {"upstream":"app","name":"app.internal","added":["10.0.0.1","10.0.0.2","::1"],"removed":[]}',
      'the name of an upstream server has these addresses {"upstream":"app","name":"app.internal","added":["10.0.0.3"],"removed":["10.0.0.1","::1"]}',
    ]);
    watch.close();
    assert.equal(stand.time.armed, 0);
  });

  test('keeps its addresses when a look-up fails, which is told once', async () => {
    const stand = new Stand();
    const watch = stand.watch();
    await watch.tried;
    await settled();
    stand.lines.length = 0;
    for (const answer of [{ code: 'ENOTFOUND' }, { code: 'EAI_AGAIN' }, []] as const) {
      stand.answer = answer;
      await stand.time.pass(300_000);
      assert.deepEqual(watch.addresses, ['10.0.0.1']);
    }
    assert.equal(watch.lastError, 'no address');
    stand.answer = ['10.0.0.1'];
    await stand.time.pass(300_000);
    assert.equal(watch.lastError, undefined);
    assert.equal(stand.told, 1);
    const kept = '"kept":["10.0.0.1"]';
    assert.deepEqual(stand.lines, [
      `the name of an upstream server could not be looked up {"upstream":"app","name":"app.internal","why":"no such name (ENOTFOUND)",${kept}}`,
      `the name of an upstream server could not be looked up {"upstream":"app","name":"app.internal","why":"no answer of a name server (EAI_AGAIN)",${kept}}`,
      `the name of an upstream server could not be looked up {"upstream":"app","name":"app.internal","why":"no address",${kept}}`,
      'the name of an upstream server was looked up again {"upstream":"app","name":"app.internal"}',
    ]);
    watch.close();
  });

  test('is asked for soon after a failure, and at last as seldom as after a success', async () => {
    const stand = new Stand();
    stand.answer = { code: 'EAI_AGAIN' };
    const watch = stand.watch();
    await watch.tried;
    assert.equal(watch.addresses, undefined);
    await settled();
    assert.equal(watch.nextSeconds, 1);
    await stand.time.pass(95_000);
    assert.deepEqual(stand.asked, [0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000]);
    watch.close();
  });

  test('is looked up when its TTL ends, if that is sooner, and never twice in a second', async () => {
    for (const [seconds, wanted] of [
      [5, 5_000],
      [0, 1_000],
      [3_600, 30_000],
      [undefined, 30_000],
    ] as const) {
      const stand = new Stand();
      stand.seconds = seconds;
      const watch = stand.watch();
      await settled();
      assert.equal(watch.nextSeconds, wanted / 1000, `TTL ${seconds}`);
      await stand.time.pass(wanted - 1);
      assert.deepEqual(stand.asked, [0]);
      await stand.time.pass(1);
      assert.deepEqual(stand.asked, [0, wanted]);
      watch.close();
    }
  });

  test('with `none` is looked up until that succeeds, and not again', async () => {
    const stand = new Stand();
    stand.seconds = 5;
    stand.answer = { code: 'ENOTFOUND' };
    const watch = stand.watch({ everyMs: Number.POSITIVE_INFINITY });
    await stand.time.pass(1_500);
    stand.answer = ['10.0.0.1'];
    await stand.time.pass(1_500);
    assert.deepEqual(watch.addresses, ['10.0.0.1']);
    assert.equal(watch.nextSeconds, undefined);
    await stand.time.pass(24 * 60 * 60_000);
    assert.deepEqual(stand.asked, [0, 1_000, 3_000]);
    // Until a reload asks for more.
    watch.follow({ upstream: 'app', host: 'app.internal', everyMs: 10_000, most: 64 });
    await stand.time.pass(0);
    assert.equal(watch.nextSeconds, 5);
    watch.close();
  });

  test('has a bounded number of addresses, and the same ones each time', async () => {
    const stand = new Stand();
    const all = Array.from({ length: 10 }, (_, index) => `10.0.0.${index}`);
    stand.answer = all;
    const watch = stand.watch({ most: 4 });
    await watch.tried;
    assert.deepEqual(watch.addresses, all.slice(0, 4));
    assert.match(stand.lines[0] ?? '', /"leftOut":6/);
    stand.answer = [...all].reverse();
    await stand.time.pass(30_000);
    assert.equal(stand.told, 1);
    watch.close();
  });

  test('whose look-up hangs fails in time, is not asked for twice, and takes a late answer', async () => {
    const stand = new Stand();
    let resolve = (_: readonly string[]): void => {};
    stand.answer = new Promise((done) => {
      resolve = done;
    });
    const watch = stand.watch();
    await stand.time.pass(9_999);
    assert.equal(watch.lastError, undefined);
    await stand.time.pass(1);
    await watch.tried;
    assert.equal(watch.lastError, 'no answer within 10000 ms');
    await stand.time.pass(60_000);
    assert.deepEqual(stand.asked, [0]);
    resolve(['10.0.0.9']);
    await settled();
    assert.deepEqual(watch.addresses, ['10.0.0.9']);
    assert.equal(watch.lastError, undefined);
    watch.close();
  });

  test('waits for its turn while as many look-ups as allowed are under way', async () => {
    const stand = new Stand();
    let resolve = (_: readonly string[]): void => {};
    stand.answer = new Promise((done) => {
      resolve = done;
    });
    const watches = [1, 2, 3].map(() => stand.watch());
    await settled();
    assert.equal(stand.asked.length, 2);
    resolve(['10.0.0.1']);
    await settled();
    assert.equal(stand.asked.length, 3);
    for (const watch of watches) watch.close();
  });
});
