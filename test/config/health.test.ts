import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UpstreamConfig } from '../../src/config/upstream-config.ts';
import { configOf } from './check.ts';
import { assertRefused, upstreamOf } from './upstream-file.ts';

describe('resolve', () => {
  test('is a time, or `none`', () => {
    assert.equal(upstreamOf('').resolveMs, 30_000);
    assert.equal(upstreamOf('resolve: 5s').resolveMs, 5_000);
    assert.equal(upstreamOf('resolve: none').resolveMs, undefined);
    // A server that a route names by its URL is looked up too.
    const config = configOf('listen: 127.0.0.1:1\nauth: none\nupstream: http://h\n');
    assert.deepEqual(
      Array.from(config.upstreams.values(), ({ resolveMs, health }) => [resolveMs, health]),
      [[30_000, undefined]],
    );
  });

  test('is nothing else', () => {
    assertRefused([
      ['resolve: 999ms', /app\.resolve: is out of range; must be a duration from 1s to 1h/],
      ['resolve: 2h', /app\.resolve: is out of range; must be a duration from 1s to 1h/],
      ['resolve: 30', /app\.resolve: is a number; must be none, or a duration from 1s to 1h/],
      ['resolve: never', /app\.resolve: does not fit; must be /],
      ['resolve: false', /app\.resolve: is false; must be none, or /],
    ]);
  });
});

describe('health', () => {
  test('has a default for everything but the path', () => {
    assert.equal(upstreamOf('').health, undefined);
    assert.deepEqual(upstreamOf('health: {}').health, {
      path: undefined,
      host: undefined,
      intervalMs: 5_000,
      timeoutMs: 2_000,
      rise: 2,
      fall: 3,
      status: [[200, 399]],
    });
    const keys =
      'path: "/ready?deep=1", host: "app.internal:8080", interval: 1s, timeout: 1s, rise: 1, fall: 10, status: [204, 300-399, "401"]';
    assert.deepEqual(upstreamOf(`health: { ${keys} }`).health, {
      path: '/ready?deep=1',
      host: 'app.internal:8080',
      intervalMs: 1_000,
      timeoutMs: 1_000,
      rise: 1,
      fall: 10,
      status: [
        [204, 204],
        [300, 399],
        [401, 401],
      ],
    });
  });

  test('asks servers of both versions of HTTP', () => {
    const keys = 'servers: [http://a, { url: http://b, protocol: h2 }], health: { path: /a, status: [200] }';
    const config = configOf(
      `listen: 127.0.0.1:1\nauth: none\nupstream: app\nupstreams: { app: { ${keys} } }\n`,
    );
    const { servers, health } = config.upstreams.get('app') as UpstreamConfig;
    assert.deepEqual(
      servers.map(({ protocol }) => protocol),
      ['http/1.1', 'h2'],
    );
    assert.equal(health?.path, '/a');
  });

  test('refuses what no check could do', () => {
    const status =
      /health\.status\[0\]: (does not fit|is out of order or range|is a list); must be a status such as 204, or /;
    assertRefused([
      ['health: { path: healthz }', /health\.path: does not fit; must be a path such as \/healthz/],
      ['health: { path: "/a b" }', /health\.path: does not fit; must be a path/],
      ['health: { path: "/ä" }', /health\.path: does not fit; must be a path/],
      ['health: { path: http://h/healthz }', /health\.path: does not fit; must be a path/],
      [`health: { path: /${'a'.repeat(1024)} }`, /health\.path: does not fit; must be a path/],
      [
        'health: { path: /a, host: "a/b" }',
        /health\.host: does not fit; must be a host such as app\.internal/,
      ],
      ['health: { path: /a, host: "h:99999" }', /health\.host: does not fit; must be a host/],
      [
        'health: { interval: 50ms }',
        /health\.interval: is out of range; must be a duration from 100ms to 1h/,
      ],
      ['health: { timeout: 5ms }', /health\.timeout: is out of range; must be a duration from 10ms to 1h/],
      ['health: { timeout: 6s }', /health\.timeout: is longer than interval; must be at most as long/],
      ['health: { interval: 1s }', /health\.timeout: is longer than interval; must be at most as long/],
      ['health: { rise: 0 }', /health\.rise: is out of range; must be a whole number from 1 to 100/],
      ['health: { fall: 101 }', /health\.fall: is out of range; must be a whole number from 1 to 100/],
      [
        'health: { path: /a, status: [] }',
        /health\.status: is an empty list; must be a list such as \[200-399\]/,
      ],
      [
        'health: { path: /a, status: 200 }',
        /health\.status: is a number; must be a list such as \[200-399\]/,
      ],
      ['health: { path: /a, status: [100] }', status],
      ['health: { path: /a, status: [199-299] }', status],
      ['health: { path: /a, status: [600] }', status],
      ['health: { path: /a, status: [399-200] }', status],
      ['health: { path: /a, status: [2xx] }', status],
      ['health: { path: /a, status: [[200, 399]] }', status],
      ['health: /healthz', /app\.health: does not fit; must be a mapping with the keys path, host, /],
      ['health: { uri: /a }', /health\.uri: is not a known key; must be /],
      ['healthcheck: { path: /a }', /app\.healthcheck: is not a known key; must be health if that is meant/],
    ]);
  });

  test('refuses details of a request where there is none', () => {
    assertRefused([
      [
        'health: { host: h }',
        /health\.host: is for a request, and path is missing; must be left out, or path named/,
      ],
      ['health: { status: [200] }', /health\.status: is for a request, and path is missing/],
      // One fault is enough.
      ['health: { path: x, host: h, status: [200] }', /health\.path: does not fit/],
    ]);
  });
});
