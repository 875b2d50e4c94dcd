import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { NamedUpstream, Stand, until } from './stand.ts';

/** Connections that reach each of two listeners, but for one time in 2^23. */
const CONNECTIONS = 24;
const BURST = 20;

describe('limits on the rate of requests, with several listeners', () => {
  let upstream: NamedUpstream;
  let stand: Stand;
  let keys = 0;
  const agents = new Set<Agent>();

  before(async () => {
    upstream = await NamedUpstream.start('app');
    stand = await Stand.start({
      upstreams: { app: { servers: [upstream.url] } },
      rateLimits: {
        slow: { rate: '1/d', burst: BURST, by: 'header:X-Key' },
        steady: { rate: '100/s', burst: 100, by: 'header:X-Key' },
      },
      routes: [
        { match: { path: '/' }, auth: 'none', upstream: 'app', rateLimit: ['slow'] },
        { match: { path: '/steady' }, auth: 'none', upstream: 'app', rateLimit: ['steady'] },
      ],
    });
  });
  after(async () => {
    for (const agent of agents) agent.destroy();
    await stand.stop();
    upstream.close();
  });

  /** A connection of its own. */
  function connection(): Agent {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.add(agent);
    return agent;
  }

  /** @returns the status. */
  function ask(agent: Agent, key: string, path = '/'): Promise<number> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: stand.port, path, agent, headers: { 'X-Key': key } };
      get(options, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      }).once('error', reject);
    });
  }

  const freshKey = (): string => `key-${++keys}`;

  /** How many requests of a key one connection gets through, up to the first that is refused. */
  async function useUp(key: string, agent = connection()): Promise<number> {
    for (let passed = 0; ; passed += 1) if ((await ask(agent, key)) === 429) return passed;
  }

  /** How many of one request on each of many new connections get through. */
  async function passing(key: string): Promise<number> {
    const statuses = await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(connection(), key)));
    return statuses.filter((status) => status === 200).length;
  }

  test('a burst on one connection counts at all listeners', async () => {
    const key = freshKey();
    assert.equal(await useUp(key), BURST);
    assert.equal(
      await until(
        () => passing(key),
        (passed) => passed === 0,
      ),
      0,
    );
    const all = await stand.metric('portcullis_requests_total');
    assert.ok(all >= BURST + 1 + CONNECTIONS);
  });

  test('a burst on many connections at once lets in what each listener allows, at most, and is paid for later', async (t) => {
    const key = freshKey();
    const counts = await Promise.all(Array.from({ length: CONNECTIONS }, () => useUp(key)));
    const passed = counts.reduce((sum, count) => sum + count, 0);
    t.diagnostic(`${passed} of a burst of ${BURST}`);
    assert.ok(passed >= BURST && passed <= 2 * BURST, `${passed}`);
  });

  test('all listeners together keep the rate within a tenth, and a burst', async (t) => {
    const key = freshKey();
    const start = performance.now();
    let passed = 0;
    const one = async (): Promise<void> => {
      const agent = connection();
      for (let asked = 0; asked < 250; asked += 1)
        if ((await ask(agent, key, '/steady')) === 200) passed += 1;
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, one));
    const seconds = (performance.now() - start) / 1000;
    const allowed = 100 + 100 * seconds;
    t.diagnostic(`${passed} in ${seconds.toFixed(2)} s, ${(passed / allowed).toFixed(3)} of what is allowed`);
    assert.ok(passed >= 100 && passed <= 1.1 * allowed + 100, `${passed} of ${allowed}`);
  });

  test('a listener that replaces one that was killed knows what every key has used', async () => {
    const key = freshKey();
    await useUp(key);
    await until(
      () => passing(key),
      (passed) => passed === 0,
    );
    const [victim = 0, other = 0] = await stand.pids();
    process.kill(victim, 'SIGKILL');
    await until(
      () => stand.pids(),
      (pids) => pids.length === 2 && !pids.includes(victim) && pids.includes(other),
    );
    assert.equal(await passing(key), 0);
  });

  test('SIGUSR2 and SIGHUP bring no fresh burst', async () => {
    const key = freshKey();
    await useUp(key);
    await until(
      () => passing(key),
      (passed) => passed === 0,
    );
    const pids = await stand.pids();
    stand.signal('SIGUSR2');
    await stand.replaced(pids);
    assert.equal(await passing(key), 0);
    await stand.told('SIGHUP', 'the configuration was reloaded');
    assert.equal(await passing(key), 0);
  });

  test('while the supervisor does not respond, each listener allows its share', async () => {
    stand.signal('SIGSTOP');
    const share = (wanted: number): Promise<number> =>
      until(
        () => useUp(freshKey()),
        (passed) => passed === wanted,
      );
    try {
      await share(BURST / 2);
    } finally {
      stand.signal('SIGCONT');
    }
    await share(BURST);
  });
});
