import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamServer } from '../../src/config/upstream-config.ts';
import { addressText } from '../../src/http/host-port.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemTimers } from '../../src/lib/timers.ts';
import { NO_KEY } from '../../src/upstream/balance/balancer.ts';
import { TwoChoices } from '../../src/upstream/balance/two-choices.ts';
import { Endpoints } from '../../src/upstream/endpoints.ts';
import type { ServerFact } from '../../src/upstream/server-facts.ts';
import type { ServerPool } from '../../src/upstream/server-pool.ts';
import { ServerState } from '../../src/upstream/server-state.ts';
import { serverAt } from '../support/gateway.ts';

const named = (host: string, more: Partial<UpstreamServer> = {}): UpstreamServer =>
  serverAt(80, { address: { host, port: 80 }, ...more });

/** That the server has the address 10.0.0.1. */
const shared = (server: UpstreamServer): ServerFact => ({
  server: addressText(server.address),
  address: { host: '10.0.0.1', port: 80 },
  mode: 'ready',
  healthy: true,
});

/** That the server has an address of its own, and is out. */
const away = (server: UpstreamServer): ServerFact => ({
  ...shared(server),
  address: { host: '10.0.0.2', port: 80 },
  mode: 'down',
});

/** The servers for which pools are made when the second one takes over an address from the first one. */
function madeFor(first: UpstreamServer, second: UpstreamServer): readonly UpstreamServer[] {
  const made: UpstreamServer[] = [];
  const before = [shared(first), away(second)];
  const endpoints = new Endpoints({
    servers: [first, second],
    facts: before,
    balancer: new TwoChoices(),
    poolOf: (server, { address, mode }) => {
      if (mode === 'ready') made.push(server);
      const state = new ServerState(
        { upstream: 'app', address: addressText(address) },
        systemClock,
        systemTimers,
        () => {},
      );
      return { state, usable: true, size: 0, drain: () => {} } as unknown as ServerPool;
    },
    onChange: () => {},
  });
  const pool = endpoints.choose(undefined, NO_KEY)?.pool;
  endpoints.take([away(first), shared(second)]);
  assert.equal(endpoints.choose(undefined, NO_KEY)?.pool === pool, made.length === 1);
  return made;
}

test('connections to an address serve another server that has taken it over', () => {
  const first = named('a.internal');
  assert.deepEqual(madeFor(first, named('b.internal')), [first]);
});

test('but not one that speaks another protocol, and with TLS none', () => {
  for (const [one, other] of [
    [{}, { protocol: 'h2' }],
    [{ protocol: 'h2' }, {}],
    [{}, { scheme: 'https' }],
    [{ scheme: 'https' }, { scheme: 'https' }],
  ] as const) {
    const first = named('a.internal', one);
    const second = named('b.internal', other);
    assert.deepEqual(madeFor(first, second), [first, second]);
  }
});
