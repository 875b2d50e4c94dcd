import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HealthConfig, UpstreamConfig } from '../../src/config/upstream-config.ts';
import { addressText } from '../../src/http/host-port.ts';
import type { ServerFact } from '../../src/upstream/server-facts.ts';
import type { CheckResult, CheckTarget } from '../../src/watch/check.ts';
import { ServerWatch } from '../../src/watch/server-watch.ts';
import { silentLog } from '../support/gateway.ts';
import { settled, VirtualTime } from './virtual-time.ts';

const health: HealthConfig = {
  path: '/healthz',
  host: undefined,
  intervalMs: 5_000,
  timeoutMs: 2_000,
  rise: 2,
  fall: 3,
  status: [[200, 399]],
};

type Host = string | { readonly path: string };

/** An upstream whose servers have port 80, or are sockets. */
function upstream(name: string, hosts: readonly Host[], more: Partial<UpstreamConfig> = {}): UpstreamConfig {
  const rest = { weight: 1, backup: false, connections: 1, scheme: 'http', protocol: 'http/1.1' } as const;
  return {
    name,
    servers: hosts.map((host) => ({
      ...rest,
      address: typeof host === 'string' ? { host, port: 80 } : host,
    })),
    resolveMs: 30_000,
    ...more,
  } as UpstreamConfig;
}

const good: CheckResult = { ok: true, detail: 'status 200' };
const bad: CheckResult = { ok: false, cause: 'refused', detail: 'ECONNREFUSED' };

/** A watch with names, results of checks and time of the test. */
class Stand {
  readonly time = new VirtualTime();
  readonly lines: string[] = [];
  /** The facts of each distribution, as short text. */
  readonly told: string[] = [];
  /** Addresses by name; a name that is missing is not found. */
  names: Record<string, readonly string[]> = {};
  /** Addresses whose checks fail. */
  readonly failing = new Set<string>();
  /** Addresses whose checks never end by themselves. */
  readonly hanging = new Set<string>();
  /** Milliseconds, address and Host field of each check. */
  readonly checks: string[] = [];
  underWay = 0;
  most = 0;
  distribute: () => Promise<void> = async () => {};
  readonly watch: ServerWatch;

  constructor() {
    const line = (fields: object, message: string): void =>
      void this.lines.push(`${message} ${JSON.stringify(fields)}`);
    this.watch = new ServerWatch({
      clock: this.time.clock,
      timers: this.time.timers,
      random: () => 0,
      log: { ...silentLog, info: line, warn: line },
      resolver: {
        addresses: async (host) => {
          const found = this.names[host];
          if (found === undefined) throw Object.assign(new Error(host), { code: 'ENOTFOUND' });
          return found;
        },
        timeToLive: async () => undefined,
      },
      check: (target, signal) => this.#check(target, signal),
      distribute: async (name, facts) => {
        this.told.push(`${name}: ${factsText(facts)}`);
        await this.distribute();
      },
    });
  }

  async follow(...upstreams: readonly UpstreamConfig[]): Promise<void> {
    this.watch.follow(new Map(upstreams.map((one) => [one.name, one])));
    await settled();
  }

  facts(name = 'app'): string {
    return factsText(this.watch.current.get(name) ?? []);
  }

  async #check({ address, host }: CheckTarget, signal: AbortSignal): Promise<CheckResult> {
    const text = addressText(address);
    this.checks.push(`${this.time.now} ${text} ${host}`);
    this.underWay += 1;
    this.most = Math.max(this.most, this.underWay);
    if (this.hanging.has(text)) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    this.underWay -= 1;
    return this.failing.has(text) || this.hanging.has(text) ? bad : good;
  }
}

function factsText(facts: readonly ServerFact[]): string {
  return facts
    .map(({ server, address, mode, healthy }) => {
      const text = addressText(address);
      const whose = text === server ? text : `${server}=${text}`;
      return `${whose}${mode === 'ready' ? '' : ` ${mode}`}${healthy ? '' : ' unhealthy'}`;
    })
    .join(', ');
}

describe('the servers of an upstream', () => {
  test('are all addresses of their names, and the names until they have any', async () => {
    const stand = new Stand();
    stand.names = { one: ['::1', '10.0.0.1'] };
    await stand.follow(upstream('app', ['one', '10.0.0.9', 'none', { path: '/run/app' }]));
    assert.deepEqual(stand.told, [
      'app: one:80, 10.0.0.9:80, none:80, unix:/run/app',
      'app: one:80=10.0.0.1:80, one:80=[::1]:80, 10.0.0.9:80, none:80, unix:/run/app',
    ]);
    stand.names = { one: ['10.0.0.1', '10.0.0.2'] };
    await stand.time.pass(30_000);
    assert.equal(
      stand.facts(),
      'one:80=10.0.0.1:80, one:80=10.0.0.2:80, 10.0.0.9:80, none:80, unix:/run/app',
    );
    // A name that is not found any more keeps what it had.
    stand.names = {};
    await stand.time.pass(300_000);
    assert.match(stand.facts(), /^one:80=10\.0\.0\.1:80, one:80=10\.0\.0\.2:80,/);
    assert.equal(stand.watch.view('app')?.[0]?.name?.lastError, 'no such name (ENOTFOUND)');
    assert.equal(stand.watch.view('app')?.[2]?.name, undefined);
    stand.watch.close();
    assert.equal(stand.time.armed, 0);
  });

  test('are bounded, whatever the DNS says', async () => {
    const stand = new Stand();
    const many = Array.from({ length: 300 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    const hosts = Array.from({ length: 8 }, (_, index) => `h${index}`);
    stand.names = Object.fromEntries(hosts.map((host) => [host, many]));
    await stand.follow(
      upstream('few', ['h0']),
      upstream('app', hosts),
      upstream('odd', [...hosts, 'x', 'y']),
    );
    await stand.time.pass(0);
    assert.equal(stand.watch.current.get('few')?.length, 64);
    assert.equal(stand.watch.current.get('app')?.length, 256);
    assert.equal(stand.watch.current.get('odd')?.length, 8 * 25 + 2);
    stand.watch.close();
  });

  test('have their names before the start goes on, unless that takes too long', async () => {
    const stand = new Stand();
    stand.names = { one: ['10.0.0.1'] };
    await stand.watch.start(new Map([['app', upstream('app', ['one'])]]));
    assert.equal(stand.facts(), 'one:80=10.0.0.1:80');
    stand.watch.close();

    const slow = new Stand();
    let found = (_: readonly string[]): void => {};
    slow.names = { one: new Promise((resolve) => (found = resolve)) as unknown as readonly string[] };
    let isStarted = false;
    const start = slow.watch.start(new Map([['app', upstream('app', ['one'])]])).then(() => {
      isStarted = true;
    });
    await slow.time.pass(999);
    assert.equal(isStarted, false);
    await slow.time.pass(1);
    await start;
    assert.equal(slow.facts(), 'one:80');
    found(['10.0.0.1']);
    await settled();
    assert.equal(slow.facts(), 'one:80=10.0.0.1:80');
    slow.watch.close();
  });
});

describe('the health of a server', () => {
  test('is good at first, ends after `fall` failures in a row and is back after `rise` successes', async () => {
    const stand = new Stand();
    stand.failing.add('10.0.0.1:80');
    await stand.follow(upstream('app', ['10.0.0.1', '10.0.0.2'], { health }));
    assert.equal(stand.facts(), '10.0.0.1:80, 10.0.0.2:80');
    assert.deepEqual(stand.checks, ['0 10.0.0.1:80 10.0.0.1', '0 10.0.0.2:80 10.0.0.2']);
    await stand.time.pass(9_999);
    assert.equal(stand.facts(), '10.0.0.1:80, 10.0.0.2:80');
    await stand.time.pass(1);
    assert.equal(stand.facts(), '10.0.0.1:80 unhealthy, 10.0.0.2:80');
    // A single success, or one after another failure, is not enough.
    stand.failing.clear();
    await stand.time.pass(5_000);
    stand.failing.add('10.0.0.1:80');
    await stand.time.pass(5_000);
    stand.failing.clear();
    await stand.time.pass(5_000);
    assert.equal(stand.facts(), '10.0.0.1:80 unhealthy, 10.0.0.2:80');
    await stand.time.pass(5_000);
    assert.equal(stand.facts(), '10.0.0.1:80, 10.0.0.2:80');
    // Nor are failures that are not in a row.
    for (const fails of [true, true, false, true, true]) {
      if (fails) stand.failing.add('10.0.0.2:80');
      else stand.failing.clear();
      await stand.time.pass(5_000);
    }
    assert.equal(stand.facts(), '10.0.0.1:80, 10.0.0.2:80');
    assert.equal(stand.told.length, 3);
    assert.deepEqual(stand.lines, [
      'an upstream server is unhealthy {"upstream":"app","server":"10.0.0.1:80","cause":"refused","found":"ECONNREFUSED"}',
      'an upstream server is healthy again {"upstream":"app","server":"10.0.0.1:80","found":"status 200"}',
    ]);
    const counts = Array.from(stand.watch.results.get('app')?.members ?? [], ([result, { value }]) => [
      result,
      value,
    ]);
    assert.deepEqual(counts, [
      ['refused', 4 + 4],
      ['ok', 24 - 8],
    ]);
    stand.watch.close();
    assert.equal(stand.time.armed, 0);
  });

  test('is checked from the beginning of one check to that of the next, and a check ends in time', async () => {
    const stand = new Stand();
    stand.hanging.add('10.0.0.1:80');
    await stand.follow(upstream('app', ['10.0.0.1'], { health }));
    await stand.time.pass(12_000);
    assert.deepEqual(
      stand.checks.map((one) => one.split(' ')[0]),
      ['0', '5000', '10000'],
    );
    assert.equal(stand.facts(), '10.0.0.1:80 unhealthy');
    assert.deepEqual(stand.watch.view('app')?.[0]?.health?.last, { result: bad, at: 12_000, tookMs: 2_000 });
    stand.watch.close();
    assert.equal(stand.time.armed, 0);
  });

  test('is checked for a bounded number of servers at one time', async () => {
    const stand = new Stand();
    const hosts = Array.from({ length: 100 }, (_, index) => `10.0.0.${index}`);
    for (const host of hosts) stand.hanging.add(`${host}:80`);
    await stand.follow(upstream('app', hosts, { health }));
    assert.equal(stand.underWay, 64);
    await stand.time.pass(60_000);
    assert.equal(stand.most, 64);
    assert.equal(new Set(stand.checks.map((one) => one.split(' ')[1])).size, 100);
    stand.watch.close();
  });

  test('is not checked before the first look-up of its name, and is bad while the name has no address', async () => {
    const stand = new Stand();
    let found = (_: readonly string[]): void => {};
    const slow = new Promise<readonly string[]>((resolve) => {
      found = resolve;
    });
    stand.names = { slow: slow as unknown as readonly string[] };
    await stand.follow(upstream('app', ['slow', 'none'], { health }));
    assert.deepEqual(stand.checks, ['0 none:80 none']);
    await stand.time.pass(5_000);
    found(['10.0.0.1']);
    await settled();
    assert.equal(stand.facts(), 'slow:80=10.0.0.1:80, none:80');
    assert.deepEqual(stand.checks.slice(1), ['5000 none:80 none', '5000 10.0.0.1:80 slow']);
    stand.watch.close();
  });

  test('is asked at the configured host, once for an address of two servers', async () => {
    const stand = new Stand();
    stand.names = { one: ['10.0.0.1'], two: ['10.0.0.1', '10.0.0.2'] };
    const config = upstream('app', ['one', 'two', { path: '/run/app' }], { health });
    await stand.watch.start(new Map([['app', config]]));
    await stand.time.pass(5_000);
    const later = stand.checks.filter((one) => one.startsWith('5000 '));
    assert.deepEqual(later.sort(), [
      '5000 10.0.0.1:80 one',
      '5000 10.0.0.2:80 two',
      '5000 unix:/run/app localhost',
    ]);
    stand.watch.close();
  });
});

describe('another configuration', () => {
  test('keeps what is known of the servers that stay', async () => {
    const stand = new Stand();
    stand.names = { one: ['10.0.0.1', '10.0.0.2'] };
    stand.failing.add('10.0.0.1:80');
    await stand.watch.start(new Map([['app', upstream('app', ['one', '10.0.0.8'], { health })]]));
    await stand.time.pass(10_000);
    await stand.watch.setMode('app', '10.0.0.2:80', 'drain');
    await stand.watch.setMode('app', '10.0.0.8:80', 'down');
    const known = 'one:80=10.0.0.1:80 unhealthy, one:80=10.0.0.2:80 drain';
    assert.equal(stand.facts(), `${known}, 10.0.0.8:80 down`);
    stand.told.length = 0;
    await stand.follow(upstream('app', ['one', '10.0.0.9'], { health: { ...health, fall: 1 } }));
    assert.equal(stand.facts(), `${known}, 10.0.0.9:80`);
    // Without a moment in which they are ready or healthy.
    assert.deepEqual(stand.told, [`app: ${known}, 10.0.0.9:80`]);
    // A server that comes back after it has left is a new one.
    await stand.follow(upstream('app', ['one', '10.0.0.8'], { health }));
    assert.equal(stand.facts(), `${known}, 10.0.0.8:80`);
    // Without checks every server counts as healthy.
    await stand.follow(upstream('app', ['one', '10.0.0.8']));
    assert.equal(stand.facts(), 'one:80=10.0.0.1:80, one:80=10.0.0.2:80 drain, 10.0.0.8:80');
    const { length } = stand.checks;
    await stand.time.pass(60_000);
    assert.equal(stand.checks.length, length);
    stand.watch.close();
  });

  test('asks as often as it says from then on, and not for upstreams that are gone', async () => {
    const stand = new Stand();
    stand.names = { one: ['10.0.0.1'] };
    await stand.watch.start(new Map([['app', upstream('app', ['one'], { health })]]));
    await stand.time.pass(1_000);
    stand.checks.length = 0;
    await stand.follow(upstream('app', ['one'], { health: { ...health, intervalMs: 60_000 } }));
    await stand.time.pass(60_000);
    assert.deepEqual(stand.checks, ['1000 10.0.0.1:80 one', '61000 10.0.0.1:80 one']);
    await stand.follow(upstream('other', ['10.0.0.2']));
    assert.equal(stand.time.armed, 0);
    assert.deepEqual([...stand.watch.current.keys()], ['other']);
    assert.equal(stand.watch.view('app'), undefined);
    stand.watch.close();
  });

  test('does not wait for a check that is under way', async () => {
    const stand = new Stand();
    stand.hanging.add('10.0.0.1:80');
    await stand.follow(upstream('app', ['10.0.0.1'], { health }));
    assert.equal(stand.underWay, 1);
    await stand.follow(upstream('app', ['10.0.0.2'], { health }));
    assert.equal(stand.underWay, 0);
    assert.equal(stand.watch.results.get('app')?.members.get('refused'), undefined);
    stand.watch.close();
  });
});

describe('the mode of a server', () => {
  test('is set for a server with all its addresses, or for one address', async () => {
    const stand = new Stand();
    stand.names = { one: ['10.0.0.1', '10.0.0.2'] };
    await stand.watch.start(new Map([['app', upstream('app', ['one', { path: '/run/app' }])]]));
    const set = (server: string, mode: ServerFact['mode']): Promise<readonly string[] | undefined> =>
      stand.watch.setMode('app', server, mode);
    assert.deepEqual(await set('one:80', 'drain'), ['10.0.0.1:80', '10.0.0.2:80']);
    assert.deepEqual(await set('10.0.0.1:80', 'ready'), ['10.0.0.1:80']);
    assert.deepEqual(await set('unix:/run/app', 'down'), ['unix:/run/app']);
    assert.equal(stand.facts(), 'one:80=10.0.0.1:80, one:80=10.0.0.2:80 drain, unix:/run/app down');
    // It holds for addresses that the name gets later.
    stand.names = { one: ['10.0.0.1', '10.0.0.3'] };
    await stand.time.pass(30_000);
    assert.equal(stand.facts(), 'one:80=10.0.0.1:80, one:80=10.0.0.3:80 drain, unix:/run/app down');
    // And over a time in which the DNS does not name the address.
    await set('one:80', 'ready');
    await set('10.0.0.3:80', 'down');
    stand.names = { one: ['10.0.0.1'] };
    await stand.time.pass(30_000);
    stand.names = { one: ['10.0.0.1', '10.0.0.3'] };
    await stand.time.pass(30_000);
    assert.equal(stand.facts(), 'one:80=10.0.0.1:80, one:80=10.0.0.3:80 down, unix:/run/app down');
    assert.match(
      stand.lines.join('\n'),
      /an operator has set the mode .*"server":"10\.0\.0\.3:80","mode":"down"/,
    );
    stand.watch.close();
  });

  test('is not set for a server that does not exist', async () => {
    const stand = new Stand();
    await stand.follow(upstream('app', ['10.0.0.1']));
    const { length } = stand.told;
    for (const [name, server] of [
      ['app', '10.0.0.2:80'],
      ['app', '10.0.0.1'],
      ['app', ''],
      ['other', '10.0.0.1:80'],
    ] as const) {
      assert.equal(await stand.watch.setMode(name, server, 'down'), undefined);
    }
    assert.equal(stand.told.length, length);
    stand.watch.close();
  });

  test('is in force everywhere when it is confirmed', async () => {
    const stand = new Stand();
    await stand.follow(upstream('app', ['10.0.0.1']));
    let taken = (): void => {};
    stand.distribute = () => new Promise((resolve) => (taken = resolve));
    let isConfirmed = false;
    const confirmed = stand.watch.setMode('app', '10.0.0.1:80', 'down').then(() => {
      isConfirmed = true;
    });
    await settled();
    assert.equal(stand.facts(), '10.0.0.1:80 down');
    assert.equal(isConfirmed, false);
    taken();
    await confirmed;
    stand.watch.close();
  });
});
