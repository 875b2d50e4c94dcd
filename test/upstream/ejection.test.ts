import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { addressText } from '../../src/http/host-port.ts';
import { NO_KEY } from '../../src/upstream/balance/balancer.ts';
import { TwoChoices } from '../../src/upstream/balance/two-choices.ts';
import { Endpoints, type EndpointsOptions } from '../../src/upstream/endpoints.ts';
import type { ServerFact } from '../../src/upstream/server-facts.ts';
import type { ServerPool } from '../../src/upstream/server-pool.ts';
import type { ServerEvent } from '../../src/upstream/server-report.ts';
import { ServerState } from '../../src/upstream/server-state.ts';
import { isUnavailable } from '../../src/upstream/unavailable.ts';
import { serverAt } from '../support/gateway.ts';
import { settled, VirtualTime } from '../watch/virtual-time.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const rules = { failures: 3, ejectionMs: 10 * SECOND, most: 0.5 };

/** Endpoints whose servers have the ports from 1 on, without connections. */
class Group {
  readonly time = new VirtualTime();
  readonly events: ServerEvent[] = [];
  readonly endpoints: Endpoints;
  readonly #states = new Map<string, ServerState>();
  readonly #options: Omit<EndpointsOptions, 'facts'>;
  readonly #unusable = new Set<ServerState>();
  changes = 0;

  constructor(count: number, more: Partial<EndpointsOptions> = {}) {
    this.#options = {
      servers: Array.from({ length: count }, (_, index) => serverAt(index + 1)),
      balancer: new TwoChoices(),
      poolOf: (_, { address }) => this.#poolOf(this.#of(addressText(address))),
      onChange: () => {
        this.changes += 1;
      },
      outliers: rules,
      ...more,
    };
    this.endpoints = this.make();
  }

  make(more: Partial<EndpointsOptions> = {}): Endpoints {
    return new Endpoints({ ...this.#options, facts: [], ...more });
  }

  state(port: number): ServerState {
    return this.#of(`127.0.0.1:${port}`);
  }

  /** Its connections may take requests. */
  isUsable(port: number): boolean {
    return !this.#unusable.has(this.state(port));
  }

  /** A whole response. */
  answer(port: number, status: number): void {
    this.state(port).heard({ status }, !isUnavailable(status));
  }

  async fail(port: number, times = 1): Promise<void> {
    for (let count = 0; count < times; count += 1) this.state(port).broke('reset');
    await settled();
  }

  /** The ports that may be chosen. */
  get chosen(): readonly number[] {
    const seen = new Set<number>();
    for (let count = 0; count < 300; count += 1) {
      const address = this.endpoints.choose(undefined, NO_KEY)?.server.address;
      if (address !== undefined && 'port' in address) seen.add(address.port);
    }
    return [...seen].sort();
  }

  facts(out: readonly number[]): readonly ServerFact[] {
    return this.#options.servers.map(({ address }) => ({
      server: addressText(address),
      address,
      mode: 'ready' as const,
      healthy: !out.includes('port' in address ? address.port : 0),
    }));
  }

  #of(address: string): ServerState {
    const { clock, timers } = this.time;
    const known = this.#states.get(address);
    if (known !== undefined) return known;
    const state = new ServerState({ upstream: 'app', address }, clock, timers, (event) =>
      this.events.push(event),
    );
    this.#states.set(address, state);
    return state;
  }

  #poolOf(state: ServerState): ServerPool {
    const unusable = this.#unusable;
    const pool = {
      state,
      size: 0,
      load: 0,
      isFull: () => false,
      drain() {},
      set usable(usable: boolean) {
        if (usable) unusable.delete(state);
        else unusable.add(state);
      },
    };
    return pool as unknown as ServerPool;
  }
}

describe('passive ejection', () => {
  let group: Group;
  beforeEach(() => {
    group = new Group(4);
  });

  test('takes a server out after failures in a row, and no sooner', async () => {
    await group.fail(2, 2);
    assert.deepEqual(group.chosen, [1, 2, 3, 4]);
    await group.fail(2);
    assert.deepEqual(group.chosen, [1, 3, 4]);
    assert.deepEqual([group.isUsable(1), group.isUsable(2)], [true, false]);
    assert.equal(group.changes, 1);
  });

  test('counts failures anew after a response, whatever its status but 502 to 504', async () => {
    for (const status of [200, 404, 500, 501, 505]) {
      await group.fail(2, 2);
      group.answer(2, status);
    }
    assert.deepEqual(group.chosen, [1, 2, 3, 4]);
    for (const status of [502, 503, 504]) group.answer(2, status);
    await settled();
    assert.deepEqual(group.chosen, [1, 3, 4]);
    assert.equal(group.state(2).ejected?.cause, 'unavailable');
    assert.equal(group.state(2).report.state, 'up');
  });

  test('takes a response for a success when it is whole', async () => {
    for (let count = 0; count < 3; count += 1) {
      group.state(2).heard({ status: 200 }, false);
      await group.fail(2);
    }
    assert.deepEqual(group.chosen, [1, 3, 4]);
    await group.fail(3, 2);
    group.state(3).heard({ status: 200 }, false);
    group.state(3).heard(undefined, true);
    await group.fail(3, 2);
    assert.deepEqual(group.chosen, [1, 3, 4]);
  });

  test('counts connections that cannot be made for requests, not those of probes, nor a want of sockets', async () => {
    for (let count = 0; count < 5; count += 1) group.state(2).unreachable('refused', false);
    for (let count = 0; count < 5; count += 1) group.state(3).unreachable('no_socket', true);
    for (let count = 0; count < 3; count += 1) group.state(4).unreachable('refused', true);
    await settled();
    assert.deepEqual(group.chosen, [1, 2, 3]);
  });

  test('never takes more servers out than `most`, and takes the next one when there is room', async () => {
    for (const port of [1, 2, 3]) await group.fail(port, 3);
    assert.deepEqual(group.chosen, [3, 4]);
    await group.time.pass(10 * SECOND);
    assert.deepEqual(group.chosen, [1, 2, 3, 4]);
    await group.fail(3);
    assert.deepEqual(group.chosen, [1, 2, 4]);
  });

  test('leaves an upstream with one server alone', async () => {
    for (const most of [0.01, 0.5, 0.99]) {
      const alone = new Group(1, { outliers: { ...rules, most } });
      await alone.fail(1, 100);
      assert.deepEqual(alone.chosen, [1]);
    }
  });

  test('ends early when checks take so many servers out that more than `most` would be ejected', async () => {
    await group.fail(1, 3);
    await group.time.pass(SECOND);
    await group.fail(2, 3);
    group.endpoints.take(group.facts([3]));
    assert.deepEqual(
      group.chosen,
      [1, 4],
      'of three servers one may be ejected, the one that was ejected last',
    );
    group.endpoints.take(group.facts([3, 4]));
    assert.deepEqual(group.chosen, [1]);
    group.endpoints.take(group.facts([1, 3, 4]));
    assert.deepEqual(group.chosen, [2]);
  });

  test('ends when checks find the server well again', async () => {
    await group.fail(1, 3);
    group.endpoints.take(group.facts([1]));
    assert.deepEqual(group.chosen, [2, 3, 4]);
    group.endpoints.take(group.facts([]));
    assert.deepEqual(group.chosen, [1, 2, 3, 4]);
    assert.equal(group.time.armed, 0);
    await group.fail(1, 2);
    group.endpoints.take(group.facts([]));
    assert.equal(
      group.state(1).ejected?.times,
      2,
      'on probation as after any ejection, and facts that stay end none',
    );
  });

  test('with `most: 100%` it can empty an upstream', async () => {
    const all = new Group(2, { outliers: { ...rules, most: 1 } });
    for (const port of [1, 2]) await all.fail(port, 3);
    assert.equal(all.endpoints.none, true);
    await all.time.pass(10 * SECOND);
    assert.deepEqual(all.chosen, [1, 2]);
  });

  test('counts backups apart, and uses them when all others are out', async () => {
    const servers = [serverAt(1), serverAt(2, { backup: true }), serverAt(3, { backup: true })];
    const backed = new Group(3, { servers, outliers: { ...rules, most: 1 } });
    await backed.fail(1, 3);
    assert.deepEqual(backed.chosen, [2, 3]);
    await backed.fail(2, 3);
    assert.deepEqual(backed.chosen, [3]);
  });

  test('takes longer each time in a row, up to five minutes, and forgives with time', async () => {
    const lengths: number[] = [];
    const eject = async (): Promise<void> => {
      const began = group.time.now;
      await group.fail(1);
      while (group.state(1).ejected !== undefined) await group.time.pass(SECOND);
      lengths.push((group.time.now - began) / SECOND);
    };
    await group.fail(1, 2);
    await eject();
    await eject();
    await eject();
    assert.deepEqual(lengths.splice(0), [10, 20, 30], 'a server that comes back has one try');
    await group.time.pass(25 * SECOND);
    await eject();
    assert.deepEqual(lengths.splice(0), [20], 'two ejections are forgiven after 25 s');
    await group.time.pass(10 * MINUTE);
    await eject();
    assert.deepEqual(lengths.splice(0), [10]);
    for (let count = 0; count < 40; count += 1) await eject();
    assert.equal(Math.max(...lengths), 300);
  });

  test('a server that answers when it is back has all its tries again', async () => {
    await group.fail(1, 3);
    await group.time.pass(10 * SECOND);
    group.answer(1, 200);
    await group.fail(1, 2);
    assert.deepEqual(group.chosen, [1, 2, 3, 4]);
  });

  test('tells the beginning and the end, with the reason', async () => {
    await group.fail(1, 3);
    await group.time.pass(10 * SECOND);
    const told = group.events.filter(({ what }) => what === 'ejection').map(({ report }) => report.ejected);
    assert.deepEqual(told, [{ until: 10 * SECOND, cause: 'reset', times: 1 }, undefined]);
    assert.equal(group.time.armed, 0);
  });

  test('outlives the upstream, which a reload replaces', async () => {
    await group.fail(1, 3);
    group.make();
    group.endpoints.close();
    await group.fail(2, 3);
    const later = group.make();
    assert.equal(later.hasOther(group.state(3)), true);
    assert.equal(group.state(2).ejected?.times, 1, 'the one that has taken its place ejects');
    assert.equal(group.state(1).watchers.size, 2);
    later.close();
    assert.equal(group.state(1).watchers.size, 1);
  });

  test('is off without `outliers`', async () => {
    const plain = new Group(4, { outliers: undefined });
    await plain.fail(1, 100);
    assert.deepEqual(plain.chosen, [1, 2, 3, 4]);
  });

  test('ends with the server when it leaves', async () => {
    await group.fail(1, 3);
    group.state(1).close();
    assert.equal(group.time.armed, 0);
  });
});

describe('slow start', () => {
  /** How many of 1,000 choices the first server gets. */
  function part({ endpoints }: Group): number {
    let count = 0;
    for (let turn = 0; turn < 1_000; turn += 1) {
      const address = endpoints.choose(undefined, NO_KEY)?.server.address;
      if (address !== undefined && 'port' in address && address.port === 1) count += 1;
    }
    return count;
  }

  const slow = { slowStartMs: 10 * SECOND };

  test('gives a server that checks find healthy again more and more requests', async () => {
    const group = new Group(2, slow);
    const fair = part(group);
    assert.ok(fair > 400 && fair < 600, `${fair}`);
    group.endpoints.take(group.facts([1]));
    assert.equal(part(group), 0);
    group.endpoints.take(group.facts([]));
    const shares: number[] = [];
    const parts: number[] = [];
    for (let second = 0; second <= 10; second += 1) {
      shares.push(group.state(1).share);
      parts.push(part(group));
      await group.time.pass(SECOND);
    }
    assert.deepEqual(shares, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1]);
    assert.ok((parts[0] as number) < 200, `${parts}`);
    assert.ok((parts[5] as number) > (parts[0] as number) && (parts[10] as number) > 400, `${parts}`);
    assert.equal(group.time.armed, 0);
  });

  test('begins after an ejection and after a drain, and anew if it is cut short', async () => {
    const group = new Group(2, slow);
    await group.fail(1, 3);
    await group.time.pass(10 * SECOND);
    assert.equal(group.state(1).share, 0.1);
    await group.time.pass(3 * SECOND);
    assert.equal(group.state(1).share, 0.4);
    const drained = group
      .facts([])
      .map((one, index) => (index === 0 ? { ...one, mode: 'drain' as const } : one));
    group.endpoints.take(drained);
    group.endpoints.take(group.facts([]));
    assert.equal(group.state(1).share, 0.1);
    assert.equal(group.time.armed, 1);
  });

  test('is for servers that come back or come later, not for those at the start', async () => {
    const group = new Group(2, slow);
    assert.deepEqual([group.state(1).share, group.state(2).share], [1, 1]);
    group.endpoints.take(group.facts([]));
    assert.deepEqual([group.state(1).share, group.state(2).share], [1, 1]);
    const app = serverAt(80, { address: { host: 'app.internal', port: 80 } });
    const addressed = (...ports: number[]): readonly ServerFact[] =>
      ports.map((port) => ({
        server: 'app.internal:80',
        address: { host: '127.0.0.1', port },
        mode: 'ready',
        healthy: true,
      }));
    const named = new Group(0, { ...slow, servers: [app] });
    named.endpoints.take(addressed(1, 2));
    assert.deepEqual([named.state(1).share, named.state(2).share], [1, 1], 'the first look-up');
    named.endpoints.take(addressed(1, 2, 3));
    assert.deepEqual([named.state(1).share, named.state(3).share], [1, 0.1]);
  });

  test('is off without `slowStart`', async () => {
    const group = new Group(2);
    group.endpoints.take(group.facts([1]));
    group.endpoints.take(group.facts([]));
    assert.equal(group.state(1).share, 1);
  });
});
