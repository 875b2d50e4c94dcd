import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@redis/client';
import { systemClock } from '../../src/lib/clock.ts';
import type { Revocation } from '../../src/revocation/revocation.ts';
import { revocationOf } from '../revocation/support.ts';
import { eventually } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { TestRedis } from '../support/redis.ts';
import { secondsFromNow } from '../support/tokens.ts';
import { linkTo } from './link.ts';

describe('a Redis that refuses', needs('redis-server'), () => {
  let redis: TestRedis;
  let admin: ReturnType<typeof createClient>;
  before(async () => {
    redis = await TestRedis.start();
    admin = createClient({ url: redis.url });
    await admin.connect();
  });
  after(async () => {
    await admin.close();
    await redis.stop();
  });

  test('a password is reported once, without the password, and is retried until it is accepted', async () => {
    await admin.sendCommand(['ACL', 'SETUSER', 'alice', 'on', '>another', '~*', '+@all']);
    const { link, lines } = linkTo(`redis://alice:hidden-word@127.0.0.1:${redis.port}`);
    try {
      await link.open();
      const refused = async (): Promise<number> => {
        const [entry] = (await admin.sendCommand(['ACL', 'LOG', '1'])) as unknown as { count?: number }[];
        return Number(entry?.count ?? Object.values(entry ?? {})[1]);
      };
      await eventually(refused, (count) => count >= 3);
      assert.equal(link.inSync, false);
      await admin.sendCommand(['ACL', 'SETUSER', 'alice', '>hidden-word']);
      await eventually(() => link.inSync, Boolean);
    } finally {
      await link.close();
    }
    assert.deepEqual(lines, [
      'warn revocations are not shared: Redis refuses what it is asked; it is tried again and again {"reason":"WRONGPASS invalid username-password pair or user is disabled."}',
      'info revocations are shared by Redis again {}',
    ]);
  });

  test('nothing that is needed accepts a user with the documented rights', async () => {
    const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'revocation.md'), 'utf8');
    const [, rights = ''] = /^ACL SETUSER portcullis on >password (.+)$/m.exec(page) ?? [];
    await admin.sendCommand(['ACL', 'SETUSER', 'portcullis', 'on', '>password', ...rights.split(' ')]);
    const of = (sub: string): Revocation =>
      revocationOf({ sub, before: secondsFromNow(0), expiresAt: secondsFromNow(3_600) });
    const url = `redis://portcullis:password@127.0.0.1:${redis.port}/1`;
    const { link, lines } = linkTo(url, of('alice'));
    const other = linkTo(url, of('bob'));
    const told = (): Promise<number> => admin.zCard('portcullis:revocations:all');
    try {
      await admin.select(1);
      await admin.set('portcullis:revocations:stream', 'spoiled');
      await link.open();
      assert.equal(link.inSync, true);
      assert.equal(await told(), 1);
      await other.link.open();
      assert.equal(other.link.inSync, true);
      assert.equal(await told(), 2);
      assert.equal(await link.clear(), true);
      link.publish([of('clara')]);
      // Both publish their revocations again.
      await eventually(told, (count) => count === 3);
      // Used only when many come at once.
      const range = ['XRANGE', 'portcullis:revocations:stream', '-', '+'];
      assert.equal(await admin.sendCommand(['ACL', 'DRYRUN', 'portcullis', ...range]), 'OK');
    } finally {
      await link.close();
      await other.link.close();
      await admin.select(0);
    }
    assert.deepEqual([...lines, ...other.lines], []);
  });

  test('a password is also reported after an outage', async () => {
    const away = await TestRedis.start(() => ['--requirepass', 'another']);
    await away.stop();
    const { link, lines } = linkTo(`redis://:hidden-word@127.0.0.1:${away.port}`);
    try {
      await link.open();
      await away.start();
      await eventually(
        () => lines,
        ({ length }) => length === 2,
      );
    } finally {
      await link.close();
      await away.stop();
    }
    assert.match(lines[0] ?? '', /^warn .*: Redis cannot be reached; .*ECONNREFUSED/);
    assert.match(lines[1] ?? '', /^warn .*: Redis refuses what it is asked; .*WRONGPASS/);
    assert.doesNotMatch(lines.join(), /hidden-word|another/);
  });
});

test('every attempt is tried less and less often', async () => {
  const times: number[] = [];
  const server = createServer((socket) => {
    times.push(systemClock.monotonic());
    socket.on('error', () => {});
    socket.resume().end('-WRONGPASS no\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { link, lines } = linkTo(`redis://:x@127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    await link.open();
    await eventually(
      () => times,
      ({ length }) => length >= 4,
    );
  } finally {
    await link.close();
    server.close();
    await once(server, 'close');
  }
  // A load on the machine makes pauses longer, never shorter; a timer may be a millisecond early.
  for (const [at, pause] of [100, 200, 400].entries()) {
    assert.ok((times[at + 1] as number) - (times[at] as number) >= pause - 2, `${times}`);
  }
  assert.equal(lines.length, 1);
});
