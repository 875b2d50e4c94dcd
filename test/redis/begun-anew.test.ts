import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '@redis/client';
import { revocationOf } from '../revocation/support.ts';
import { eventually } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { TestRedis } from '../support/redis.ts';
import { secondsFromNow } from '../support/tokens.ts';
import { linkTo } from './link.ts';

const STREAM = 'portcullis:revocations:stream';

test(
  'a stream that starts over is also noticed by a reader that is ahead of it',
  needs('redis-server'),
  async () => {
    const redis = await TestRedis.start();
    const writer = createClient({ url: redis.url });
    await writer.connect();
    const known = ['alice', 'bob'].map((sub) =>
      revocationOf({ sub, before: secondsFromNow(0), expiresAt: secondsFromNow(3_600) }),
    );
    const { link, lines } = linkTo(redis.url, ...known);
    try {
      await link.open();
      const now = Date.now();
      await writer.xAdd(STREAM, `${now + 1_000}-0`, { r: 'read' });
      // It cannot be read as a revocation, which is logged.
      await eventually(
        () => lines,
        ({ length }) => length === 1,
      );
      assert.equal(await link.clear(), true);
      await writer.xAdd(STREAM, `${now + 60_000}-0`, { r: 'behind' });
      await eventually(
        () => writer.zCard('portcullis:revocations:all'),
        (count) => count === 2,
      );
    } finally {
      await link.close();
      await writer.close();
      await redis.stop();
    }
  },
);
