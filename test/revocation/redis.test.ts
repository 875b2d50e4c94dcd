import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { createClient } from '@redis/client';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { ForeignLines } from '../../src/revocation/foreign-lines.ts';
import { RedisLink } from '../../src/revocation/redis.ts';
import type { Revocation } from '../../src/revocation/revocation.ts';
import { toLine } from '../../src/revocation/revocation-line.ts';
import type { RevocationList } from '../../src/revocation/revocation-list.ts';
import { RevocationStore } from '../../src/revocation/store.ts';
import { eventually, silentLog } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { TestRedis } from '../support/redis.ts';
import { secondsFromNow } from '../support/tokens.ts';
import { issuerOf, livesOf, marksOf, newList, revocationOf } from './support.ts';

const installed = needs('redis-server');

interface Node {
  readonly list: RevocationList;
  readonly store: RevocationStore;
  readonly link: RedisLink;
}

describe('revocations shared by Redis', installed, () => {
  let redis: TestRedis;
  const nodes: Node[] = [];
  const errors: string[] = [];
  before(async () => {
    redis = await TestRedis.start();
  });
  after(() => redis.stop());
  afterEach(async () => {
    for (const { link } of nodes.splice(0)) await link.close();
    await redis.stop();
    await redis.start();
    errors.length = 0;
  });

  const log = { ...silentLog, error: (_: object, message: string) => errors.push(message) };
  const join = async (...users: string[]): Promise<Node> => joinWith({}, ...users);
  const joinWith = async (
    { limit, clock = systemClock }: { limit?: number; clock?: Clock },
    ...users: string[]
  ): Promise<Node> => {
    const list = newList(limit);
    const store: RevocationStore = new RevocationStore({
      list,
      journal: undefined,
      publish: (told) => link.publish(told),
      clock,
      log,
    });
    const lives = livesOf(issuerOf('main', { expiry: 'optional' }));
    const link = new RedisLink({
      url: redis.url,
      clock,
      log,
      lines: new ForeignLines({ lives, clock, log, secret: undefined }),
      entries: limit ?? 100_000,
      known: () => list.all(),
      onRevocations: (told) => store.acceptForeign(told),
    });
    const node = { list, store, link };
    nodes.push(node);
    await revoke(node, ...users);
    await link.open();
    return node;
  };
  const of = (sub: string): Revocation =>
    revocationOf({ sub, before: secondsFromNow(0), expiresAt: secondsFromNow(3600) });
  const revoke = async ({ store }: Node, ...users: string[]): Promise<void> => {
    if (users.length > 0) assert.equal(await store.accept(users.map(of), 'admin'), 'done');
  };
  const revoked = ({ list }: Node, sub: string): boolean => list.cover(marksOf({ sub, issuedAt: 0 }));
  const reaches = (node: Node, sub: string): Promise<boolean> =>
    eventually(
      () => revoked(node, sub),
      (is) => is,
    );

  test('reach another gateway', async () => {
    const [a, b] = [await join(), await join()];
    await revoke(a, 'alice');
    await reaches(b, 'alice');
    await revoke(b, 'bob');
    await reaches(a, 'bob');
    assert.deepEqual([a.list.size, b.list.size], [2, 2]);
    assert.deepEqual([...b.store.received.members].map(([source]) => source).sort(), ['admin', 'redis']);
  });

  test('keep their content, without end too', async () => {
    const [a, b] = [await join(), await join()];
    const forever = revocationOf({
      issuer: 'main',
      jti: 'j',
      before: Number.POSITIVE_INFINITY,
      expiresAt: Number.POSITIVE_INFINITY,
    });
    await a.store.accept([forever], 'admin');
    await eventually(
      () => b.list.size,
      (size) => size === 1,
    );
    const told = { ...forever, from: 'redis' };
    assert.deepEqual([...b.list.all()], [told]);
    assert.deepEqual([...(await join()).list.all()], [told]);
  });

  test('reach a gateway that starts later, before it is open', async () => {
    const a = await join();
    await revoke(a, ...Array.from({ length: 3_000 }, (_, index) => `user ${index}`));
    await reaches(await join(), 'user 2999');
    await a.link.close();
    const late = await join();
    assert.equal(late.list.size, 3_000);
  });

  test('go from a gateway that had them before to the others', async () => {
    const a = await join();
    await join('kept');
    await reaches(a, 'kept');
  });

  test('survive a Redis that is away, and then has lost everything', async () => {
    const [a, b] = [await join(), await join()];
    await revoke(a, 'before');
    await reaches(b, 'before');
    await redis.stop();
    for (const { link } of [a, b]) {
      await eventually(
        () => link.inSync,
        (is) => !is,
      );
    }
    await revoke(a, 'meanwhile here');
    await revoke(b, 'meanwhile there');
    assert.equal(revoked(a, 'before'), true);
    assert.equal(revoked(a, 'meanwhile here'), true);
    await redis.start();
    await reaches(b, 'meanwhile here');
    await reaches(a, 'meanwhile there');
    const c = await join();
    for (const user of ['before', 'meanwhile here', 'meanwhile there']) await reaches(c, user);
  });

  test('do not keep a gateway from starting when Redis is away', async () => {
    await redis.stop();
    const a = await join('alice');
    assert.equal(a.link.inSync, false);
    await redis.start();
    await eventually(
      () => a.link.inSync,
      (is) => is,
    );
    assert.equal(revoked(await join(), 'alice'), true);
  });

  test('are in force as far as there is room, and the rest is missed until there is', async () => {
    const a = await join('alice', 'bob', 'clara');
    const small = await joinWith({ limit: 2 });
    // The other half is reserved for local revocations.
    assert.equal(small.list.size, 1);
    assert.equal(small.link.isShort, true);
    assert.equal(a.link.isShort, false);
    const other = await joinWith({ limit: 4 });
    assert.equal(other.link.isShort, false);
    await revoke(a, 'dora');
    await eventually(
      () => other.link.isShort,
      (is) => is,
    );
  });

  test('are not removed from Redis by a gateway whose clock is far ahead', async () => {
    const a = await join('alice');
    const ahead = { wall: () => systemClock.wall() + 86_400_000, monotonic: systemClock.monotonic };
    const fast = await joinWith({ clock: ahead });
    assert.equal(
      await fast.store.accept([{ ...of('bob'), expiresAt: secondsFromNow(200_000) }], 'admin'),
      'done',
    );
    await reaches(a, 'bob');
    assert.equal(revoked(await join(), 'bob'), true);
    await a.link.close();
    assert.equal(revoked(await join(), 'alice'), true);
  });

  test('leave Redis when they have ended', async () => {
    const a = await join();
    const client = createClient({ url: redis.url });
    await client.connect();
    const old = { ...of('old'), expiresAt: secondsFromNow(-3_600) };
    await client.zAdd('portcullis:revocations:all', { score: old.expiresAt, value: toLine(old).trimEnd() });
    await revoke(a, 'alice');
    await eventually(
      () => client.zRange('portcullis:revocations:all', 0, -1),
      (members) => members.length === 1 && members[0]?.includes('alice') === true,
    );
    await client.close();
  });

  test('that are damaged are reported and affect no other', async () => {
    const a = await join();
    const client = createClient({ url: redis.url });
    await client.connect();
    const line = toLine(of('alice')).trimEnd();
    await client.xAdd('portcullis:revocations:stream', '*', { r: line.replace('alice', 'clara') });
    await client.xAdd('portcullis:revocations:stream', '*', { r: line });
    await reaches(a, 'alice');
    assert.equal(revoked(a, 'clara'), false);
    assert.equal(errors.length, 1);
    await client.close();
  });
});
