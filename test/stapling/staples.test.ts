import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrafficAddress } from '../../src/config/config.ts';
import type { Staple } from '../../src/front/front.ts';
import type { Fetch } from '../../src/keysets/fetch-document.ts';
import { Staples } from '../../src/stapling/staples.ts';
import { Authority, type Issued } from '../support/authority.ts';
import { eventually, silentLog } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { type Ledger, respond } from '../support/responder.ts';
import { certificateConfig, tlsConfig } from '../support/tls.ts';

const HOUR_MS = 60 * 60_000;
const authority = new Authority('authority');
const issue = (): Issued =>
  authority.issue({ cn: 'site', names: ['site.example'], ocsp: 'http://127.0.0.1:1/ocsp' });

/** Staples of these certificates, with a clock and timers that stand still, and `openssl ocsp` behind `fetch`. */
class Stand {
  ledger: Ledger | (() => Response | Promise<Response>) = { authority };
  /** Certificates by fingerprint, in the order of the events. */
  readonly events: (readonly [string, Staple | undefined])[] = [];
  readonly lines: string[] = [];
  asked = 0;
  underWay = 0;
  most = 0;
  /** Milliseconds of each timer that is set. */
  readonly delays: number[] = [];
  wall = Date.now();
  readonly #timers: (() => void)[] = [];
  readonly staples = new Staples({
    fetch: ((url, init) => this.#fetch(url, init)) satisfies Fetch,
    clock: { wall: () => this.wall, monotonic: () => 0 },
    timers: {
      after: (ms, run) => {
        this.delays.push(ms);
        this.#timers.push(run);
        return () => void this.#timers.splice(this.#timers.indexOf(run), 1);
      },
    },
    random: () => 0,
    log: {
      ...silentLog,
      info: (_fields, message) => void this.lines.push(message),
      warn: (fields, message) => void this.lines.push(`${message}: ${JSON.stringify(fields)}`),
    },
    onStaple: (certificate, staple) => void this.events.push([certificate, staple]),
  });

  get armed(): number {
    return this.#timers.length;
  }

  /** Lets the next timer run. */
  fire(): void {
    this.#timers.shift()?.();
  }

  async #fetch(_url: URL, init: RequestInit): Promise<Response> {
    this.asked += 1;
    this.underWay += 1;
    this.most = Math.max(this.most, this.underWay);
    try {
      if (typeof this.ledger === 'function') return await this.ledger();
      return new Response(new Uint8Array(await respond(init.body as Buffer, this.ledger)));
    } finally {
      this.underWay -= 1;
    }
  }
}

function listen(issued: readonly Issued[], stapling = true): readonly TrafficAddress[] {
  const certificates = issued.map((one) => certificateConfig(one, authority.cert));
  return [{ host: 'h', port: 1, tls: tlsConfig(certificates, { stapling }) }];
}

test(
  'a staple is fetched again at half of its time, and goes when its certificate goes',
  needs('openssl'),
  async () => {
    const stand = new Stand();
    const [one, two] = [issue(), issue()];
    stand.ledger = { authority, good: [one, two], days: 4 };
    stand.staples.follow(listen([one]));
    await eventually(
      () => stand.armed,
      (count) => count === 1,
    );
    const [[fingerprint, staple] = []] = stand.events;
    assert.ok(staple !== undefined && fingerprint !== undefined);
    assert.deepEqual(stand.staples.current, new Map([[fingerprint, staple]]));
    // Half of four days, at most one day.
    assert.deepEqual(stand.delays, [24 * HOUR_MS]);
    stand.wall = staple.until - 24 * HOUR_MS;
    stand.fire();
    await eventually(
      () => stand.armed,
      (count) => count === 1,
    );
    assert.equal(stand.asked, 2);

    // What stays is not asked for again, and what goes is neither kept nor asked for.
    stand.staples.follow(listen([one, two]));
    await eventually(
      () => stand.armed,
      (count) => count === 2,
    );
    assert.equal(stand.asked, 3);
    stand.staples.follow(listen([two]));
    assert.deepEqual(stand.events.at(-1), [fingerprint, undefined]);
    assert.equal(stand.armed, 1);
    stand.staples.follow(listen([two], false));
    assert.equal(stand.armed, 0);
    assert.deepEqual(stand.staples.current, new Map());
    assert.equal(stand.lines.length, 0);
  },
);

test(
  'a failure keeps the staple, is told once, and is tried again later and later',
  needs('openssl'),
  async () => {
    const stand = new Stand();
    const one = issue();
    stand.ledger = { authority, good: [one] };
    stand.staples.follow(listen([one]));
    const settled = async (fires: number): Promise<void> =>
      void (await eventually(
        () => stand.delays.length,
        (count) => count === fires,
      ));
    await settled(1);
    const before = stand.staples.current;
    const failures: readonly (readonly [() => Response | Promise<Response>, RegExp])[] = [
      [() => Promise.reject(new TypeError('fetch failed')), /cannot be reached/],
      [() => new Response('', { status: 503 }), /status 503; must be 200/],
      [() => new Response(null, { status: 302 }), /status 302; must be 200/],
      [() => new Response(new Uint8Array(17 * 1024)), /sent more than 16384 bytes/],
      [() => new Response('<html>'), /no OCSP response/],
      [() => Promise.reject(new DOMException('late', 'TimeoutError')), /did not answer within 10000 ms/],
    ];
    for (const [fail, why] of failures) {
      stand.ledger = fail;
      const told = stand.lines.length;
      for (let times = 0; times < 2; times += 1) {
        const armed = stand.delays.length;
        stand.fire();
        await settled(armed + 1);
      }
      assert.equal(stand.lines.length, told + 1);
      assert.match(stand.lines.at(-1) ?? '', why);
    }
    assert.deepEqual(stand.staples.current, before);
    assert.deepEqual(stand.delays.slice(1, 5), [1_000, 2_000, 4_000, 8_000]);
    assert.equal(Math.max(...stand.delays.slice(1)), 240_000);
    stand.ledger = { authority, good: [one] };
    const armed = stand.delays.length;
    stand.fire();
    await settled(armed + 1);
    assert.match(stand.lines.at(-1) ?? '', /fetched again/);
    stand.staples.close();
    assert.equal(stand.armed, 0);
  },
);

test('many certificates do not ask at once, and those without a responder not at all', async () => {
  const stand = new Stand();
  const waiting: (() => void)[] = [];
  stand.ledger = () => new Promise((done) => waiting.push(() => done(new Response('', { status: 500 }))));
  const many = Array.from({ length: 12 }, issue);
  const plain = authority.issue({ cn: 'plain', names: ['plain.example'] });
  const orphan = { ...issue() };
  const [address] = listen([plain, ...many]) as [TrafficAddress];
  const alone = { host: 'h', port: 2, tls: tlsConfig([certificateConfig(orphan)]) };
  stand.staples.follow([address, alone]);
  for (let done = 0; done < many.length; done += 1) {
    await eventually(
      () => waiting.length,
      (count) => count > 0,
    );
    waiting.shift()?.();
  }
  await eventually(
    () => stand.armed,
    (count) => count === many.length,
  );
  assert.deepEqual([stand.asked, stand.most], [12, 4]);
  stand.staples.close();
});
