import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import type { Fetch } from '../../src/keysets/fetch-document.ts';
import { systemFetch } from '../../src/keysets/system-fetch.ts';
import { rsaKey } from '../support/tokens.ts';
import { drop, hang, jwk, keySet, keySetText, ok, ScriptedIssuer, status } from './scripted-issuer.ts';
import { Subject, type SubjectOptions } from './support.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const a = jwk(rsaKey(), { kid: 'a' });
const b = jwk(rsaKey(), { kid: 'b' });
const server = await ScriptedIssuer.start();
after(() => server.close());
beforeEach(() => {
  server.keys = keySet(a);
});

const open: Subject[] = [];
const subject = (options: SubjectOptions = {}): Subject => {
  const made = new Subject(server.url(), options);
  open.push(made);
  return made;
};
after(() => Promise.all(open.map(({ set }) => set.close())));

const counted = async (during: () => Promise<void>): Promise<number> => {
  const before = server.asked.length;
  await during();
  return server.asked.length - before;
};

describe('a fetched key set', () => {
  test('is put in force, and shows its state', async () => {
    const { set, enforced, time, log, ...rest } = subject();
    assert.equal(set.hasKeys, false);
    assert.equal(set.ageSeconds, undefined);
    set.start();
    assert.equal(set.nextRefreshSeconds, undefined);
    await set.refetch();
    assert.deepEqual(enforced, [['a']]);
    assert.deepEqual(log.take(), ['info the key set has changed']);
    time.advance(90 * SECOND);
    assert.deepEqual(
      [set.kids, set.hasKeys, set.ageSeconds, set.nextRefreshSeconds, set.lastError, set.ignored, set.source],
      [['a'], true, 90, 3510, undefined, [], server.url()],
    );
    assert.deepEqual(rest, {});
  });

  test('is fetched again by Cache-Control within the bounds', async () => {
    for (const [control, seconds] of [
      ['max-age=600', 600],
      ['max-age=1', 60],
      ['no-store', 60],
      ['max-age=864000', 3600],
      ['public', 3600],
    ] as const) {
      server.keys = ok(keySetText(a), { 'cache-control': control });
      const one = subject();
      await one.start();
      const due = one.set.nextRefreshSeconds ?? 0;
      assert.ok(Math.abs(due - seconds) < 1, `${control}: ${due}`);
      assert.equal(await counted(async () => one.time.advance(due * SECOND - 1)), 0);
      assert.equal(await counted(() => one.next()), 1);
    }
  });

  test('is replaced only when it has changed, with its keys in any order', async () => {
    server.keys = keySet(a, b);
    const one = subject();
    await one.start();
    server.keys = keySet(b, a);
    await one.next();
    assert.deepEqual(one.enforced, [['a', 'b']]);
    server.keys = keySet(b);
    await one.next();
    assert.deepEqual(one.enforced, [['a', 'b'], ['b']]);
    server.keys = keySet({ ...a, kid: 'b' });
    await one.next();
    assert.deepEqual(one.enforced.length, 3, 'another key by the same name is a change');
    assert.equal(one.log.take().length, 3);
  });

  test('reports ignored entries once, and again after they were absent', async () => {
    server.keys = keySet(a, { ...b, use: 'enc' });
    const one = subject();
    await one.start();
    const ignored = ['keys[1] (kid "b") is ignored: its "use" is not sig'];
    assert.deepEqual(one.set.ignored, ignored);
    await one.next();
    assert.deepEqual(one.log.take(), [
      'warn entries of the key set are ignored',
      'info the key set has changed',
    ]);
    server.keys = keySet(a);
    await one.next();
    assert.deepEqual(one.set.ignored, []);
    assert.deepEqual(one.log.take(), []);
  });
});

describe('when the issuer fails', () => {
  test('retries become rarer, with one line at the beginning and one at the end', async () => {
    server.keys = status(500);
    const one = subject({ random: 0 });
    await one.start();
    const waits: (number | undefined)[] = [one.set.nextRefreshSeconds];
    for (let retry = 0; retry < 10; retry += 1) {
      await one.next();
      waits.push(one.set.nextRefreshSeconds);
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240]);
    assert.equal(one.set.lastError, `${server.url()} answered with status 500; must be 200`);
    assert.deepEqual(one.log.take(), ['warn the keys cannot be fetched']);
    server.keys = keySet(a);
    await one.next();
    assert.equal(one.set.lastError, undefined);
    assert.deepEqual(one.log.take(), ['info the key set has changed', 'info the keys can be fetched again']);
    server.keys = status(500);
    await one.next();
    assert.equal(one.set.nextRefreshSeconds, 1);
    assert.deepEqual(one.log.take(), ['warn the keys cannot be fetched']);
  });

  for (const [name, responder, message] of [
    ['nothing but an error', status(503), /answered with status 503/],
    ['garbage', ok('<html>'), /is not JSON/],
    ['an empty set', keySet(), /leads to a set without a usable key$/],
    ['only keys that must not be used', keySet({ ...a, use: 'enc' }), /leads to a set without a usable key$/],
    ['half a set', drop, /cannot be reached/],
    ['more than a set', ok(`${keySetText(b)}${' '.repeat(1024 * 1024)}`), /sent more than/],
  ] as const) {
    test(`and sends ${name}, the last good set stays in force`, async () => {
      const one = subject();
      await one.start();
      server.keys = responder;
      await one.next();
      assert.match(one.set.lastError ?? '', message);
      assert.deepEqual(one.enforced, [['a']]);
      assert.deepEqual(one.set.kids, ['a']);
      assert.equal(one.set.ageSeconds, 3600);
    });
  }

  test('for longer than allowed, its keys go out of force, and come back with it', async () => {
    const one = subject({ changes: { staleMs: 2 * HOUR } });
    await one.start();
    server.keys = status(500);
    while ((one.set.ageSeconds ?? 0) + (one.set.nextRefreshSeconds ?? 0) < 7200) await one.next();
    one.log.take();
    one.time.advance(2 * HOUR - (one.set.ageSeconds ?? 0) * SECOND - 1);
    assert.equal(one.set.hasKeys, true);
    one.time.advance(1);
    assert.deepEqual(one.enforced, [['a'], []]);
    assert.deepEqual([one.set.hasKeys, one.set.kids, one.set.ageSeconds], [false, [], undefined]);
    assert.deepEqual(one.log.take(), ['error the keys are too old and no longer in force']);
    server.keys = keySet(a);
    await one.next();
    assert.deepEqual(one.enforced, [['a'], [], ['a']]);
  });

  test('a success postpones the end', async () => {
    const one = subject({ changes: { staleMs: 2 * HOUR } });
    await one.start();
    for (let hour = 0; hour < 5; hour += 1) await one.next();
    assert.deepEqual(one.enforced, [['a']]);
    assert.equal(one.set.ageSeconds, 0);
  });

  test('or hangs, the fetch ends by its time-out, and its connection with it', async () => {
    const one = subject();
    let cut: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => {
      cut = resolve;
    });
    server.keys = (response) => response.on('close', () => cut?.());
    const before = server.asked.length;
    one.set.start();
    await server.askedTimes(before + 1);
    const settled = one.settled();
    one.time.advance(5 * SECOND - 1);
    assert.equal(one.set.lastError, undefined);
    one.time.advance(1);
    await settled;
    assert.equal(one.set.lastError, `${server.url()} did not answer within 5000 ms`);
    await closed;
  });

  test('with keys that cannot be used after all, the old ones stay', async () => {
    let usable = true;
    const one = subject({
      setKeys: () => {
        if (!usable) throw new Error('a key cannot be used with RS256');
      },
    });
    await one.start();
    usable = false;
    server.keys = keySet(b);
    await one.next();
    assert.deepEqual(
      [one.set.kids, one.set.lastError],
      [['a'], `the keys of ${server.url()} cannot be used`],
    );
    usable = true;
    await one.next();
    assert.deepEqual(one.set.kids, ['b']);
  });
});

describe('asked for newer keys', () => {
  test('it fetches once for all callers, and not again before the gap is over', async () => {
    const one = subject();
    await one.start();
    server.keys = keySet(a, b);
    const fetches = await counted(async () => {
      const first = one.set.refetch();
      assert.ok(first !== undefined);
      for (let asked = 0; asked < 1000; asked += 1) assert.equal(one.set.refetch(), first);
      await first;
      assert.deepEqual(one.set.kids, ['a', 'b']);
      for (let asked = 0; asked < 1000; asked += 1) assert.equal(one.set.refetch(), undefined);
      one.time.advance(30 * SECOND - 1);
      assert.equal(one.set.refetch(), undefined);
    });
    assert.equal(fetches, 1);
    one.time.advance(1);
    assert.equal(await counted(async () => one.set.refetch()), 1);
  });

  test('for an hour without a pause, it asks the issuer once in each gap', async () => {
    const one = subject({ changes: { refreshMaxMs: 24 * HOUR, staleMs: 48 * HOUR } });
    await one.start();
    const fetches = await counted(async () => {
      for (let second = 0; second < 600; second += 1) {
        await one.set.refetch();
        one.time.advance(SECOND);
      }
    });
    assert.equal(fetches, 20);
  });

  test('during a fetch, it waits for that one and keeps its own for later', async () => {
    const one = subject();
    const fetches = await counted(async () => {
      one.set.start();
      await one.set.refetch();
      await one.set.refetch();
      assert.equal(one.set.refetch(), undefined);
    });
    assert.equal(fetches, 2);
  });

  test('before its start, it makes the first fetch, and no second beside it', async () => {
    let fetches = 0;
    const one = subject({
      fetch: (url, init) => {
        fetches += 1;
        return systemFetch(url, init);
      },
    });
    const asked = one.set.refetch();
    one.set.start();
    assert.equal(fetches, 1);
    await asked;
    assert.deepEqual(one.enforced, [['a']]);
  });

  test('it reports back when the issuer fails or hangs, and the gap holds then too', async () => {
    const one = subject();
    await one.start();
    server.keys = status(500);
    await one.set.refetch();
    assert.match(one.set.lastError ?? '', /status 500/);
    assert.equal(one.set.refetch(), undefined);

    one.time.advance(0);
    server.keys = hang;
    const before = server.asked.length;
    one.time.advance((one.set.nextRefreshSeconds ?? 0) * SECOND);
    await server.askedTimes(before + 1);
    const asked = one.set.refetch();
    assert.ok(asked !== undefined);
    one.time.advance(5 * SECOND);
    await asked;
    assert.match(one.set.lastError ?? '', /did not answer within/);
    assert.deepEqual(one.set.kids, ['a']);
  });

  test('its success counts as a refresh', async () => {
    const one = subject();
    await one.start();
    one.time.advance(HOUR / 2);
    await one.set.refetch();
    assert.equal(one.set.nextRefreshSeconds, 3600);
    assert.equal(one.time.pending.length, 2, 'one timer for the refresh and one for the end');
  });
});

describe('told by the issuer that its keys have changed', () => {
  test('it fetches at once, even after a fetch because of an unknown key', async () => {
    const one = subject();
    await one.start();
    server.keys = keySet(a, b);
    await one.set.refetch();
    assert.equal(one.set.refetch(), undefined);
    server.keys = keySet(b);
    one.set.renew();
    await one.settled();
    assert.deepEqual(one.enforced, [['a'], ['a', 'b'], ['b']]);
    assert.equal(one.set.refetch(), undefined);
    assert.equal(one.time.pending.length, 2, 'one timer for the refresh and one for the end');
  });

  test('during a fetch, it fetches once more after it', async () => {
    const one = subject();
    const fetches = await counted(async () => {
      one.set.start();
      const first = one.settled();
      for (let told = 0; told < 1000; told += 1) one.set.renew();
      await first;
      await one.settled();
    });
    assert.equal(fetches, 2);
    assert.equal(one.time.pending.length, 2, 'one timer for the refresh and one for the end');
  });

  test('closed, it does not', async () => {
    let fetches = 0;
    const one = subject({
      fetch: (url, init) => {
        fetches += 1;
        return systemFetch(url, init);
      },
    });
    one.set.start();
    one.set.renew();
    await one.set.close();
    one.set.renew();
    assert.equal(fetches, 1);
    assert.deepEqual(one.time.pending, []);
  });
});

describe('closed', () => {
  test('it ends the current fetch and leaves no timer, and nothing is put in force any more', async () => {
    const one = subject();
    server.keys = hang;
    const before = server.asked.length;
    one.set.start();
    await server.askedTimes(before + 1);
    await one.set.close();
    assert.deepEqual(one.time.pending, []);
    assert.equal(one.set.refetch(), undefined);
    assert.deepEqual([one.enforced, one.log.take()], [[], []]);
  });

  test('a response that arrives all the same is dropped', async () => {
    let responder: ((response: Response) => void) | undefined;
    const fetch: Fetch = () =>
      new Promise((resolve) => {
        responder = resolve;
      });
    const one = subject({ fetch });
    one.set.start();
    const closed = one.set.close();
    responder?.(new Response(keySetText(a)));
    await closed;
    assert.deepEqual([one.enforced, one.time.pending], [[], []]);
  });
});
