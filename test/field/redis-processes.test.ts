// Source: an adversarial review: revocations planted in Redis stay in force in every process of a gateway.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '@redis/client';
import { NamedUpstream, Stand, until } from '../process/stand.ts';
import { needs } from '../support/programs.ts';
import { TestRedis } from '../support/redis.ts';
import { hs256, secondsFromNow } from '../support/tokens.ts';
import { request } from '../support/wire.ts';
import { lineOf } from './redis-lines.ts';

/** Enough connections for each worker to get one, by any hash. */
const MANY = 24;
const SECRET = 's'.repeat(32);
const ADMIN_SECRET = 'r'.repeat(32);

test(
  'revocations from Redis are dropped by every worker, also by later ones',
  needs('redis-server'),
  async () => {
    const redis = await TestRedis.start();
    const writer = createClient({ url: redis.url });
    await writer.connect();
    const upstream = await NamedUpstream.start('a');
    const stand = await Stand.start({
      upstream: upstream.url,
      issuers: { i: { issuer: 'x', audience: 'y', algorithms: ['HS256'], keys: { secret: SECRET } } },
      revocation: { secret: ADMIN_SECRET, redis: redis.url },
    });
    const statuses = async (sub: string): Promise<readonly number[]> => {
      const claims = { iss: 'x', aud: 'y', exp: secondsFromNow(600), iat: secondsFromNow(-60), sub };
      const text = `GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${hs256(SECRET, claims)}\r\n\r\n`;
      const replies = await Promise.all(Array.from({ length: MANY }, () => request(stand.port, text)));
      return [...new Set(replies.map(({ status }) => status))];
    };
    const admin = async (method: string, path: string, body?: object): Promise<number> => {
      const reply = await fetch(`http://127.0.0.1:${stand.adminPort}${path}`, {
        method,
        headers: { authorization: `Bearer ${ADMIN_SECRET}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      await reply.text();
      return reply.status;
    };
    try {
      const line = lineOf({ sub: 'planted', before: secondsFromNow(0), expiresAt: secondsFromNow(3_000) });
      await writer.zAdd('portcullis:revocations:all', { score: secondsFromNow(3_000), value: line });
      await writer.xAdd('portcullis:revocations:stream', '*', { r: line });
      await until(
        () => statuses('planted'),
        (seen) => seen.join() === '401',
      );
      assert.equal(await admin('POST', '/revocations', { issuer: 'i', sub: 'own' }), 200);
      assert.equal((await stand.status()).listeners.length, 2);
      assert.equal(await admin('DELETE', '/revocations?source=redis'), 200);
      assert.deepEqual(await statuses('planted'), [200]);
      assert.deepEqual(await statuses('own'), [401]);
      await stand.told('SIGUSR2', 'every listener was replaced');
      assert.deepEqual(await statuses('planted'), [200]);
      assert.deepEqual(await statuses('own'), [401]);
    } finally {
      assert.equal((await stand.stop()).code, 0);
      upstream.close();
      await writer.close();
      await redis.stop();
    }
  },
);
