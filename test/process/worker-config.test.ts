import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { workerConfig } from '../../src/process/worker-config.ts';
import { configOf } from '../config/check.ts';

const base = `
listen: 127.0.0.1:0
listeners: 1
auth: none
upstream: app
upstreams:
  app: { servers: ["http://127.0.0.1:9"], limits: { connections: 11, waiting: 7 } }
  none: { servers: ["http://127.0.0.1:8"], limits: { connections: 4, waiting: 0 } }
limits: { connections: 1001, bufferedBodies: 10MiB }
`;
const withLimits = (config: Config, limits: Partial<Config['limits']>): Config => ({
  ...config,
  limits: { ...config.limits, ...limits },
});

describe("a worker's share of the configuration", () => {
  test('is the whole for one', () => {
    const config = configOf(base);
    assert.deepEqual(workerConfig(config, 1), { ...config, revocation: undefined });
  });

  test('divides the limits of the gateway, and nothing else', () => {
    const config = configOf(base);
    const { limits, upstreams, ...others } = workerConfig(config, 4);
    assert.deepEqual(limits, { ...config.limits, connections: 250, bufferedBodies: 2.5 * 1024 * 1024 });
    assert.deepEqual(upstreams.get('app'), {
      ...config.upstreams.get('app'),
      limits: { connections: 2, waiting: 1 },
    });
    assert.deepEqual(upstreams.get('none')?.limits, { connections: 1, waiting: 0 });
    const { limits: _limits, upstreams: _upstreams, ...same } = config;
    assert.deepEqual(others, { ...same, revocation: undefined });
  });

  test('is together never more than the limit, if each has one', () => {
    const config = configOf(base);
    for (const listeners of [2, 3, 5, 7, 11]) {
      const { limits, upstreams } = workerConfig(config, listeners);
      assert.ok(limits.connections * listeners <= 1001);
      assert.ok((upstreams.get('app')?.limits.connections ?? 0) * listeners <= 11);
    }
  });

  test('is 1 where the division gives none, unless it can be lent, and unlimited where there is no limit', () => {
    const { Infinity: unlimited } = globalThis;
    const share = workerConfig(withLimits(configOf(base), { connections: 3, bufferedBodies: unlimited }), 64);
    assert.equal(share.limits.connections, 1);
    assert.equal(share.limits.bufferedBodies, unlimited);
    assert.deepEqual(share.upstreams.get('app')?.limits, { connections: 0, waiting: 1 });
  });

  test('has no secret for revocations or the admin address', () => {
    const config = configOf(
      `${base}
issuers:
  app: { issuer: i, audience: a, algorithms: [HS256], keys: { secret: ${'k'.repeat(32)} } }
admin: { secret: ${'d'.repeat(40)} }
revocation:
  secret: ${'r'.repeat(40)}
  redis: redis://user:${'p'.repeat(40)}@127.0.0.1:6379
  redisRequired: true
  fusionauth: { issuer: app, secret: ${'w'.repeat(40)} }
`,
    );
    const text = (value: unknown): string =>
      JSON.stringify(value, (_, member) => (member instanceof Map ? [...member] : member));
    const whole = text(config);
    const part = text(workerConfig(config, 2));
    for (const secret of ['dddd', 'rrrr', 'pppp', 'wwww']) {
      assert.ok(whole.includes(secret), `${secret} is not looked for where it is`);
      assert.ok(!part.includes(secret), secret);
    }
    assert.equal(workerConfig(config, 2).revocation?.entries, config.revocation?.entries);
    assert.equal(workerConfig(config, 2).revocation?.fusionauth?.issuer, 'app');
  });
});
