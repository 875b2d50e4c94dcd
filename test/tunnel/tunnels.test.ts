import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { grant } from '../../src/auth/permit.ts';
import { rejections } from '../../src/auth/rejections.ts';
import type { Permit, Rejection, VerdictWaiter } from '../../src/auth/verdict.ts';
import type { RequestHead } from '../../src/http/message.ts';
import type { TunnelEvents, TunnelSide } from '../../src/http/tunnel-side.ts';
import type { RequestJudge } from '../../src/tunnel/token-watch.ts';
import { Tunnels } from '../../src/tunnel/tunnels.ts';
import { VirtualTime } from '../watch/virtual-time.ts';

const SECOND = 1_000;

/** A side without a connection, which notes what it is told. */
class FakeSide implements TunnelSide {
  readonly told: string[] = [];
  events: TunnelEvents | undefined;

  start(events: TunnelEvents): void {
    this.events = events;
  }
  write(bytes: Uint8Array): boolean {
    this.told.push(Buffer.from(bytes).toString('latin1'));
    return true;
  }
  end(): void {
    this.told.push('end');
  }
  pause(): void {}
  resume(): void {}
  close(): void {
    this.told.push('close');
  }
  destroy(): void {
    this.told.push('destroy');
  }
}

const permit = grant('', false);
const head = {} as RequestHead;

describe('the tunnels of a process', () => {
  let time: VirtualTime;
  let tunnels: Tunnels;
  let verdict: Permit | Rejection | 'gone' | 'kept' | 'pending';
  let end: number | undefined;
  let version: number;
  let judged: string[];
  const waiters: VerdictWaiter[] = [];
  const ended: string[] = [];

  beforeEach(() => {
    time = new VirtualTime();
    verdict = permit;
    end = undefined;
    version = 0;
    judged = [];
    waiters.length = 0;
    ended.length = 0;
    const judge: RequestJudge = {
      get version() {
        return version;
      },
      judge: (route, _, waiter) => {
        judged.push(route);
        if (verdict !== 'pending') return verdict;
        waiters.push(waiter);
        return { kind: 'pending', cancel() {} };
      },
      endOf: () => end,
    };
    tunnels = new Tunnels({ clock: time.clock, timers: time.timers, judge, onIdle: () => {} });
    tunnels.limit = 10_000;
    tunnels.idleMs = 3_600 * SECOND;
  });

  function open(route = '/', subject?: string): FakeSide {
    const client = new FakeSide();
    const isWebSocket = true;
    const onEnd = ({ endedBy }: { readonly endedBy: string | undefined }): void =>
      void ended.push(`${endedBy}`);
    tunnels.open({ head, route, subject, client, upstream: new FakeSide(), isWebSocket, onEnd });
    return client;
  }

  test('end at the end of their token, each in its second', async () => {
    for (let second = 1; second <= 5; second += 1) {
      end = second;
      open();
      await time.pass(0);
    }
    // The first tick judges them all, and the ends are as the judge says then.
    end = 3;
    await time.pass(500);
    verdict = rejections.expired;
    await time.pass(2_400);
    assert.deepEqual(ended, []);
    await time.pass(400);
    assert.deepEqual(ended, Array(5).fill('token_expired'));
    assert.equal(time.armed, 0, 'no timer is left');
  });

  test('do not outlive their token while there is no verdict', async () => {
    for (const none of [rejections.overloaded, rejections.keysUnavailable, 'pending'] as const) {
      end = time.now / SECOND + 2;
      open();
      await time.pass(500);
      verdict = none;
      version += 1;
      end = undefined;
      await time.pass(SECOND);
      assert.equal(tunnels.size, 1, 'no verdict is no reason to end before');
      await time.pass(2 * SECOND);
      assert.equal(ended.pop(), 'token_expired');
      verdict = permit;
    }
  });

  test('take a verdict that comes later', async () => {
    verdict = 'pending';
    open();
    await time.pass(300);
    waiters[0]?.onVerdict(rejections.revoked);
    assert.deepEqual(ended, ['token_revoked']);
    waiters[0]?.onVerdict(permit);
  });

  test('are judged again one after another, also when changes do not stop', async () => {
    end = 1_000_000;
    for (let count = 0; count < 25_000; count += 1) open(`/${count}`);
    await time.pass(SECOND);
    judged.length = 0;
    for (let tick = 0; tick < 3; tick += 1) {
      version += 1;
      await time.pass(200);
    }
    assert.equal(new Set(judged).size, 25_000);
  });

  test('go one by one when the process drains, and those that open late go too', async () => {
    end = 1_000_000;
    for (let count = 0; count < 100; count += 1) open();
    await time.pass(SECOND);
    tunnels.drain(2 * SECOND, 10 * SECOND);
    assert.equal(tunnels.admits({ name: '/' }, undefined), false);
    await time.pass(1_900);
    assert.equal(tunnels.size, 100);
    await time.pass(5_000);
    assert.ok(tunnels.size > 40 && tunnels.size < 60, `${tunnels.size}`);
    open();
    await time.pass(6_000);
    assert.equal(tunnels.size, 0);
    assert.deepEqual(new Set(ended), new Set(['draining']));
    assert.equal(time.armed, 0);
  });

  test('outlive their token where the route says so, until it says otherwise', async () => {
    verdict = 'kept';
    end = 1;
    const side = open();
    await time.pass(3_000 * SECOND);
    assert.equal(tunnels.size, 1);
    assert.equal(judged.length, 1, 'no end is known, so none is looked for');
    side.events?.onBytes(new Uint8Array(1));
    await time.pass(3_000 * SECOND);
    assert.equal(tunnels.size, 1);
    tunnels.judgeAll();
    verdict = rejections.expired;
    await time.pass(SECOND);
    assert.deepEqual(ended, ['token_expired']);
    verdict = 'kept';
    open();
    await time.pass(3_601 * SECOND);
    assert.deepEqual(ended, ['token_expired', 'tunnel_idle']);
  });

  test('are counted by route and subject, however they end', async () => {
    end = 1_000_000;
    const both = { name: '/a', tunnelLimits: { limit: 300, perSubject: 2 } };
    const sides: FakeSide[] = [];
    for (let round = 0; round < 5; round += 1) {
      for (let count = 0; count < 200; count += 1) sides.push(open('/a', `${count % 100}`));
      assert.equal(tunnels.admits(both, '7'), false, 'the subject has two');
      assert.equal(tunnels.admits(both, 'other'), true);
      assert.equal(tunnels.admits(both, undefined), true, 'without a subject only the route counts');
      assert.equal(tunnels.admits({ ...both, name: '/b' }, '7'), true, 'another route has its own');
      for (let count = 0; count < 100; count += 1) sides.push(open('/a'));
      assert.equal(tunnels.admits(both, 'other'), false, 'the route has as many as it takes');
      assert.equal(tunnels.admits({ name: '/a' }, '7'), true, 'without bounds');
      assert.deepEqual([...tunnels.count()], [['/a', 300]]);
      // Ends of each kind, some of them twice.
      sides.forEach((side, index) => {
        if (index % 3 === 0) side.events?.onClosed();
        if (index % 3 === 1) side.events?.onEnd();
        if (index % 6 === 0) side.events?.onClosed();
      });
      verdict = rejections.revoked;
      version += 1;
      await time.pass(2 * SECOND);
      verdict = permit;
      assert.deepEqual([tunnels.size, tunnels.count().size, tunnels.subjects], [0, 0, 0]);
    }
    assert.equal(time.armed, 0);
  });

  test('write nothing behind the end of a server that has ended its side', async () => {
    const client = new FakeSide();
    const upstream = new FakeSide();
    tunnels.open({
      head,
      route: '/',
      subject: undefined,
      client,
      upstream,
      isWebSocket: true,
      onEnd: () => {},
    });
    upstream.events?.onBytes(Buffer.from('\x81\x02h', 'latin1'));
    upstream.events?.onEnd();
    verdict = rejections.revoked;
    version += 1;
    await time.pass(500);
    assert.deepEqual(client.told, ['\x81\x02h', 'end', 'close']);
    assert.deepEqual(upstream.told.slice(1), ['close']);
  });

  test('are cut when the process closes', () => {
    const client = open();
    tunnels.close();
    assert.deepEqual(client.told, ['destroy']);
    assert.equal(tunnels.size, 0);
  });
});
