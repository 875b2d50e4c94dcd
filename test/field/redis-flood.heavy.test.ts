// Source: an adversarial review: a Redis that holds a million revocations, or members that are long.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@redis/client';
import { NamedUpstream, Stand } from '../process/stand.ts';
import { eventually } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { TestRedis } from '../support/redis.ts';
import { hs256, secondsFromNow } from '../support/tokens.ts';
import { lineOf } from './redis-lines.ts';

const SNAPSHOT = 'portcullis:revocations:all';
const KEY = 's'.repeat(32);
const SECRET = 'r'.repeat(32);
const ISSUED_AT = secondsFromNow(-60);
const MIB = 1024 * 1024;

describe('a gateway with a small heap', needs('redis-server'), () => {
  let redis: TestRedis;
  let writer: ReturnType<typeof createClient>;
  before(async () => {
    redis = await TestRedis.start();
    writer = createClient({ url: redis.url });
    await writer.connect();
  });
  after(async () => {
    await writer.close();
    await redis.stop();
  });

  const token = (sub: string): string =>
    hs256(KEY, { iss: 'x', aud: 'y', exp: secondsFromNow(600), iat: ISSUED_AT, sub });
  const line = (sub: string): string =>
    lineOf({ sub, before: secondsFromNow(0), expiresAt: secondsFromNow(3_000) });
  const status = async ({ port }: Stand, sub: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${token(sub)}` } })).status;
  const post = async ({ adminPort }: Stand, sub: string): Promise<number> => {
    const headers = { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ sub });
    return (await fetch(`http://127.0.0.1:${adminPort}/revocations`, { method: 'POST', headers, body }))
      .status;
  };
  const remove = async ({ adminPort }: Stand): Promise<number> => {
    const headers = { authorization: `Bearer ${SECRET}` };
    const url = `http://127.0.0.1:${adminPort}/revocations?source=redis`;
    return (await fetch(url, { method: 'DELETE', headers })).status;
  };
  /** The supervisor reads from Redis. */
  const peakBytes = ({ program }: Stand): number => {
    const text = readFileSync(`/proc/${program.child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1]) * 1024;
  };
  const withStand = async (use: (stand: Stand) => Promise<void>): Promise<void> => {
    const upstream = await NamedUpstream.start('a');
    const stand = await Stand.start(
      {
        upstream: upstream.url,
        issuers: { i: { issuer: 'x', audience: 'y', algorithms: ['HS256'], keys: { secret: KEY } } },
        revocation: { secret: SECRET, redis: redis.url, entries: 10_000 },
      },
      { env: { NODE_OPTIONS: '--max-old-space-size=96' } },
    );
    try {
      await use(stand);
    } finally {
      await stand.stop();
      upstream.close();
    }
  };
  const members = async (count: number, make: (index: number) => string, atOnce: number): Promise<void> => {
    for (let at = 0; at < count; at += atOnce) {
      const piece = Array.from({ length: Math.min(atOnce, count - at) }, (_, index) => ({
        score: secondsFromNow(3_000),
        value: make(at + index),
      }));
      await writer.zAdd(SNAPSHOT, piece);
    }
  };

  test('reads past members of a megabyte to the revocations', async () => {
    await writer.flushAll();
    const long = 'y'.repeat(MIB);
    await members(200, (index) => `${index} ${long}`, 1);
    await members(100, (index) => line(`user ${index}`), 100);
    await withStand(async (stand) => {
      await eventually(
        () => status(stand, 'user 99'),
        (is) => is === 401,
      );
      assert.equal(await status(stand, 'somebody'), 200);
      assert.ok(peakBytes(stand) < 300 * MIB, `${peakBytes(stand)} bytes`);
    });
  });

  test('stops at a bound in a snapshot of a million, reports it, and accepts local revocations', async () => {
    await writer.flushAll();
    await members(1_000_000, (index) => line(`nobody ${index}`), 10_000);
    await withStand(async (stand) => {
      const ready = await fetch(`http://127.0.0.1:${stand.adminPort}/readyz`);
      assert.match(await ready.text(), /Redis holds more revocations than are read/);
      assert.equal(await post(stand, 'mallory'), 200);
      assert.equal(await status(stand, 'mallory'), 401);
      assert.ok(peakBytes(stand) < 300 * MIB, `${peakBytes(stand)} bytes`);
      assert.equal(await remove(stand), 200);
      for (let times = 0; times < 20; times += 1) {
        assert.equal(await status(stand, 'mallory'), 401);
        assert.equal(await status(stand, `nobody ${times * 1_000}`), 200);
      }
    });
  });
});
