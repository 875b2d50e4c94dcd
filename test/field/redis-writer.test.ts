// Source: an adversarial review: one who can write to the Redis by which gateways share revocations.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { createClient } from '@redis/client';
import { ask, page, startUpstream } from '../keysets/fetched-gateway.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { TestRedis } from '../support/redis.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { secondsFromNow } from '../support/tokens.ts';
import { request } from '../support/wire.ts';
import { lineOf } from './redis-lines.ts';

const STREAM = 'portcullis:revocations:stream';
const SNAPSHOT = 'portcullis:revocations:all';
const ADMIN_SECRET = `Bearer ${revocation.secret}`;
const SHARED = 's'.repeat(40);
/** Before all revocations here, however long they take. */
const ISSUED_AT = secondsFromNow(-60);
/** The highest possible id of a stream. */
const LAST_ID = '18446744073709551615-18446744073709551615';

function about(sub: string, more: object = {}): string {
  return lineOf({ sub, before: secondsFromNow(0), expiresAt: secondsFromNow(3_000), ...more });
}

function signed(sub: string, secret: string): string {
  const members = { sub, before: secondsFromNow(0), expiresAt: secondsFromNow(3_000) };
  const mac = createHmac('sha256', secret).update(`portcullis revocation 1\n${JSON.stringify(members)}`);
  return lineOf({ ...members, mac: mac.digest('base64url') });
}

describe('an attacker who can write to the Redis of revocations', needs('redis-server'), () => {
  let redis: TestRedis;
  let writer: ReturnType<typeof createClient>;
  let root = '';
  const open: TestGateway[] = [];
  const upstream = startUpstream();
  before(async () => {
    redis = await TestRedis.start();
    writer = createClient({ url: redis.url });
    await writer.connect();
  });
  after(async () => {
    await writer.close();
    await redis.stop();
    (await upstream).close();
  });
  beforeEach(async () => {
    await writer.flushAll();
    root = mkdtempSync(join(tmpdir(), 'portcullis-'));
  });
  afterEach(async () => {
    for (const gateway of open.splice(0)) await gateway.close();
    rmSync(root, { recursive: true });
  });

  const start = async (
    given: { entries?: number; secret?: string; state?: string } = {},
  ): Promise<TestGateway> => {
    const { entries = 1_000, secret, state } = given;
    const gateway = await startGateway({
      upstreamPort: (await upstream).port,
      config: {
        revocation: { ...revocation, entries, redis: { url: redis.url, required: true, secret } },
        ...(state === undefined ? {} : { state: join(root, state) }),
      },
    });
    open.push(gateway);
    return gateway;
  };
  const plant = async (...lines: string[]): Promise<void> => {
    for (let at = 0; at < lines.length; at += 500) {
      const piece = lines.slice(at, at + 500);
      await writer.zAdd(
        SNAPSHOT,
        piece.map((value) => ({ score: secondsFromNow(3_000), value })),
      );
      for (const r of piece) await writer.xAdd(STREAM, '*', { r });
    }
  };
  const passes = async (gateway: TestGateway, sub: string): Promise<boolean> => {
    const bearer = gateway.bearer({ sub, iat: ISSUED_AT }).replace('Bearer ', '');
    return (await ask(gateway.port, bearer)).status === 200;
  };
  const isStopped = (gateway: TestGateway, sub: string): Promise<boolean> =>
    eventually(async () => !(await passes(gateway, sub)), Boolean);
  const stop = async ({ adminPort }: TestGateway, sub: string): Promise<void> => {
    assert.equal((await revoke(adminPort, { issuer: 'test', sub })).status, 200, sub);
  };
  const shown = async (gateway: TestGateway): Promise<{ entries: number; fromRedis: number }> =>
    (
      JSON.parse((await page(gateway, '/status')).body) as {
        revocations: { entries: number; fromRedis: number };
      }
    ).revocations;
  const remove = ({ adminPort }: TestGateway, query: string, secret?: string) => {
    const field = secret === undefined ? '' : `Authorization: ${secret}\r\n`;
    return request(adminPort, `DELETE /revocations${query} HTTP/1.1\r\nHost: localhost\r\n${field}\r\n`);
  };

  test('cannot use the room of local revocations', async () => {
    const gateway = await start({ entries: 100 });
    await plant(...Array.from({ length: 1_000 }, (_, index) => about(`nobody ${index}`)));
    await isStopped(gateway, 'nobody 50');
    await eventually(
      () => shown(gateway),
      ({ fromRedis }) => fromRedis === 90,
    );
    for (let index = 0; index < 10; index += 1) await stop(gateway, `mallory ${index}`);
    assert.equal(await passes(gateway, 'mallory 9'), false);
    assert.match((await page(gateway, '/readyz')).body, /DELETE \/revocations\?source=redis/);
  });

  test('cannot have a lasting effect: the secret drops what Redis sent, on the disk too', async () => {
    const gateway = await start({ entries: 100, state: 'a' });
    const other = await start({ state: 'b' });
    await stop(other, 'true one');
    await stop(gateway, 'own one');
    await plant(...Array.from({ length: 500 }, (_, index) => about(`nobody ${index}`)));
    await isStopped(other, 'nobody 499');
    await eventually(
      () => shown(gateway),
      ({ fromRedis }) => fromRedis === 90,
    );
    await eventually(
      () => readFileSync(join(root, 'a', 'revocations.log'), 'utf8'),
      (text) => text.includes('nobody'),
    );
    for (const one of [gateway, other]) {
      const { status, body } = await remove(one, '?source=redis', ADMIN_SECRET);
      assert.equal(status, 200, body);
    }
    for (const one of [gateway, other]) assert.equal(await passes(one, 'nobody 1'), true);
    assert.doesNotMatch(readFileSync(join(root, 'a', 'revocations.log'), 'utf8'), /nobody/);
    // Gateways publish their own revocations again.
    await eventually(
      () => shown(gateway),
      ({ entries }) => entries === 2,
    );
    for (const one of [gateway, other]) for (const sub of ['own one', 'true one']) await isStopped(one, sub);
    assert.equal(
      (await writer.zRange(SNAPSHOT, 0, -1)).some((line) => line.includes('nobody')),
      false,
    );
    await open.shift()?.close();
    const again = await start({ entries: 100, state: 'a' });
    assert.equal(await passes(again, 'nobody 1'), true);
    assert.equal(await passes(again, 'own one'), false);
  });

  test('is not helped by the gateways, which fill an emptied Redis with their own revocations', async () => {
    const gateway = await start();
    await stop(gateway, 'own one');
    await plant(about('nobody'));
    await isStopped(gateway, 'nobody');
    await writer.del([STREAM, SNAPSHOT]);
    const lines = await eventually(
      () => writer.zRange(SNAPSHOT, 0, -1),
      (found) => found.length > 0,
    );
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /own one/);
  });

  test('cannot revoke tokens yet to be issued, nor by marks that no gateway makes', async () => {
    const gateway = await start();
    await plant(
      about('ahead', { before: secondsFromNow(1_000_000) }),
      about('whenever', { before: undefined }),
      about('', {}),
      lineOf({ issuer: '', before: secondsFromNow(0), expiresAt: secondsFromNow(300) }),
      about('x'.repeat(65)),
      about(`sha256:${'x'.repeat(20)}`),
      about('right beside them', { before: secondsFromNow(200) }),
    );
    await isStopped(gateway, 'right beside them');
    for (const sub of ['ahead', 'whenever', 'x'.repeat(65), `sha256:${'x'.repeat(20)}`]) {
      assert.equal(await passes(gateway, sub), true, sub);
    }
    assert.equal((await shown(gateway)).entries, 1);
    assert.match((await page(gateway, '/metrics')).body, /revocations_refused_total\{source="redis"\} 6/);
  });

  test('cannot keep gateways from sharing by the last id of the stream', async () => {
    const [a, b] = [await start(), await start()];
    await writer.xAdd(STREAM, LAST_ID, { r: 'x' });
    await stop(a, 'alice');
    await isStopped(b, 'alice');
    await writer.xAdd(STREAM, LAST_ID, { r: about('both') });
    await writer.xDel(STREAM, LAST_ID);
    await stop(b, 'bob');
    await isStopped(a, 'bob');
  });

  test('cannot keep gateways from sharing by keys of another kind', async () => {
    const [a, b] = [await start(), await start()];
    await writer.set(STREAM, 'x');
    await writer.set(SNAPSHOT, 'x');
    await stop(a, 'alice');
    await isStopped(b, 'alice');
  });

  test('cannot hide others behind long members', async () => {
    const gateway = await start();
    const long = 'y'.repeat(1_000_000);
    for (let index = 0; index < 30; index += 1) {
      await writer.zAdd(SNAPSHOT, { score: secondsFromNow(300), value: `${index} ${long}` });
    }
    await writer.xAdd(STREAM, '*', { r: long, more: long });
    await plant(about('alice'));
    await isStopped(gateway, 'alice');
    await isStopped(await start(), 'alice');
    assert.equal((await page(gateway, '/readyz')).status, 200);
  });

  test('revokes nothing where lines are signed', async () => {
    const [a, b] = [await start({ secret: SHARED }), await start({ secret: SHARED })];
    await plant(about('unsigned'), signed('ill signed', 'z'.repeat(40)), about('forged', { mac: 'x' }));
    await plant(signed('well signed', SHARED));
    await stop(a, 'alice');
    for (const sub of ['alice', 'well signed']) await isStopped(b, sub);
    for (const sub of ['unsigned', 'ill signed', 'forged']) assert.equal(await passes(b, sub), true, sub);
    assert.match((await page(b, '/metrics')).body, /revocations_refused_total\{source="redis"\} 3/);
    // All of these are genuine, so the gateways that know them fill an emptied Redis again.
    await open.shift()?.close();
    await writer.del([STREAM, SNAPSHOT]);
    const lines = await eventually(
      () => writer.zRange(SNAPSHOT, 0, -1),
      (found) => found.length === 2,
    );
    assert.ok(lines.some((line) => line.includes('alice')));
  });

  test('cannot use DELETE without the secret', async () => {
    const gateway = await start();
    await plant(about('nobody'));
    await isStopped(gateway, 'nobody');
    for (const [query, secret, expected] of [
      ['?source=redis', undefined, 401],
      ['?source=redis', 'Bearer wrong', 403],
      ['', ADMIN_SECRET, 400],
      ['?source=admin', ADMIN_SECRET, 400],
      ['?source=redis&source=admin', ADMIN_SECRET, 400],
    ] as const) {
      assert.equal((await remove(gateway, query, secret)).status, expected, query);
    }
    assert.equal(await passes(gateway, 'nobody'), false);
  });
});
