import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { addFigures, type GatewayFigures } from '../../src/admin/figures.ts';
import type { Config } from '../../src/config/config.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import type { Change, Servers } from '../../src/gateway/servers.ts';
import { StartError } from '../../src/lib/start-error.ts';
import { silentLog, testConfig } from '../support/gateway.ts';
import { request } from '../support/wire.ts';

/** Servers that record the gateway's calls, and fail where the test says so. */
class ScriptedServers implements Servers {
  config: Config;
  readonly calls: string[] = [];
  readonly addresses = ['192.0.2.1:80'];
  readonly failing = new Map<string, Error>();
  /** Resolves the commits when it is called. */
  finishCommit: () => void = () => {};
  holdsCommit = false;

  constructor(config: Config) {
    this.config = config;
  }

  #call(name: string): void {
    this.calls.push(name);
    const error = this.failing.get(name);
    if (error !== undefined) throw error;
  }

  setStaple(): void {
    this.#call('setStaple');
  }

  async reopenLogs(): Promise<void> {}

  notServing(): readonly [] {
    return [];
  }

  async open(): Promise<void> {
    this.#call('open');
  }

  async listen(): Promise<void> {
    this.#call('listen');
  }

  async plan(config: Config): Promise<Change> {
    this.#call('plan');
    return {
      prepare: async () => this.#call('prepare'),
      commit: () => {
        this.#call('commit');
        this.config = config;
        if (!this.holdsCommit) return Promise.resolve();
        return new Promise((resolve) => {
          this.finishCommit = resolve;
        });
      },
      abandon: () => this.#call('abandon'),
    };
  }

  setKeys(): void {}

  signedClaims(): undefined {}

  async setFacts(): Promise<void> {}

  async revoke(): Promise<void> {}

  async dropForeign(): Promise<void> {}

  async figures(): Promise<GatewayFigures> {
    return { figures: addFigures([]), workers: [], workerDeaths: 0, engines: [] };
  }

  async close(graceMs: number): Promise<number> {
    this.#call(`close ${graceMs}`);
    return 3;
  }

  async dispose(): Promise<void> {
    this.#call('dispose');
  }
}

const config = testConfig({ upstreamPort: 9 });
const next: Config = { ...config, realm: 'next' };
let gateway: Gateway<ScriptedServers>;
let servers: ScriptedServers;

beforeEach(() => {
  gateway = new Gateway(config, { log: silentLog, servers: () => new ScriptedServers(config) });
  ({ servers } = gateway);
});

afterEach(() => gateway.close({ graceMs: 0 }));

describe('a gateway with any servers', () => {
  test('opens, then starts its control plane, then listens', async () => {
    assert.equal(gateway.addresses.admin, '');
    await gateway.start();
    assert.deepEqual(servers.calls, ['open', 'listen']);
    assert.match(gateway.addresses.admin, /^127\.0\.0\.1:\d+$/);
    assert.deepEqual(gateway.view.notReady(), []);
  });

  test('is not ready until it listens, and closes when it cannot', async () => {
    servers.failing.set('listen', new StartError('the address is taken'));
    assert.deepEqual(gateway.view.notReady(), [{ what: 'listener', why: 'not every address is bound yet' }]);
    await assert.rejects(gateway.start(), /^StartError: the address is taken$/);
    assert.deepEqual(servers.calls, ['open', 'listen', 'close 0', 'dispose']);
    assert.deepEqual(gateway.view.notReady(), [{ what: 'gateway', why: 'it is shutting down' }]);
  });

  test('plans, prepares and commits another configuration', async () => {
    await gateway.start();
    await gateway.reload(next);
    assert.deepEqual(servers.calls.slice(2), ['plan', 'prepare', 'commit']);
    assert.equal(gateway.config, next);
    assert.equal(gateway.record.view.lastReload?.ok, true);
  });

  for (const [step, calls] of [
    ['plan', ['plan']],
    ['prepare', ['plan', 'prepare', 'abandon']],
    ['commit', ['plan', 'prepare', 'commit', 'abandon']],
  ] as const) {
    test(`keeps the old configuration when the new one fails at ${step}`, async () => {
      await gateway.start();
      servers.failing.set(step, new StartError(`no ${step}`));
      await assert.rejects(gateway.reload(next), new RegExp(`^StartError: no ${step}$`));
      assert.deepEqual(servers.calls.slice(2), calls);
      assert.equal(gateway.config, config);
      assert.deepEqual(gateway.record.view.lastReload?.faults, [`no ${step}`]);
      servers.failing.clear();
      await gateway.reload(next);
      assert.equal(gateway.config, next);
    });
  }

  test('asks nothing of its servers for a change that needs a restart', async () => {
    await gateway.start();
    await assert.rejects(gateway.reload({ ...next, listeners: 7 }), /^StartError: listeners cannot change/);
    assert.deepEqual(servers.calls.slice(2), []);
  });

  test('reports an internal error as one', async () => {
    await gateway.start();
    servers.failing.set('prepare', new TypeError('oh'));
    await assert.rejects(gateway.reload(next), TypeError);
    assert.deepEqual(gateway.record.view.lastReload?.faults, ['a fault of ours: TypeError: oh']);
  });

  test('reloads one after another, and lets other work in between', async () => {
    await gateway.start();
    servers.holdsCommit = true;
    const first = gateway.reload(next);
    const between = gateway.alone(async () => servers.calls.push('between'));
    const last = gateway.reload(config);
    while (!servers.calls.includes('commit')) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(gateway.record.view.lastReload, undefined, 'not before every server has taken it');
    servers.holdsCommit = false;
    servers.finishCommit();
    await Promise.all([first, between, last]);
    const once = ['plan', 'prepare', 'commit'];
    assert.deepEqual(servers.calls.slice(2), [...once, 'between', ...once]);
  });

  test('refuses a reload before its start and after its end', async () => {
    await assert.rejects(gateway.reload(next), /^StartError: the gateway does not run$/);
    await gateway.start();
    await gateway.close({ graceMs: 0 });
    await assert.rejects(gateway.reload(next), /^StartError: the gateway does not run$/);
    assert.ok(!servers.calls.includes('plan'));
  });

  test('reports its state to operators until its servers have ended', async () => {
    await gateway.start();
    const port = Number(gateway.addresses.admin.split(':')[1]);
    const ready = 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    assert.equal((await request(port, ready)).status, 200);
    const cut = gateway.close({ graceMs: 20 });
    assert.equal(gateway.close({ graceMs: 0 }), cut, 'the second call waits for the first');
    assert.equal(await cut, 3);
    assert.deepEqual(servers.calls.slice(2), ['close 20', 'dispose']);
    await assert.rejects(request(port, ready));
  });
});
