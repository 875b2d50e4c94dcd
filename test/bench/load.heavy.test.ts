import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { autocannonLoad } from '../../bench/load/autocannon.ts';
import type { LoadGenerator, LoadPlan, LoadResult } from '../../bench/load/load.ts';
import { wrkLoad } from '../../bench/load/wrk.ts';
import { Placement } from '../../bench/placement.ts';
import { QUANTILES } from '../../bench/stats.ts';
import { Subprocesses } from '../../bench/subprocesses.ts';
import { needs } from '../support/programs.ts';

const CONNECTIONS = 8;

interface Seen {
  readonly result: LoadResult;
  /** Number of arrivals of each token. */
  readonly tokens: ReadonlyMap<string, number>;
  /** Number of arrivals of each method with each body size. */
  readonly bodies: ReadonlyMap<string, number>;
}

/** Runs a load against a server that replies 200, or 401 to the token `refused`, and records the requests. */
async function observe(
  make: (subprocesses: Subprocesses, folder: string) => LoadGenerator,
  plan: Pick<LoadPlan, 'use' | 'seconds'> & Partial<LoadPlan>,
  tokens: readonly string[],
): Promise<Seen> {
  const seen = new Map<string, number>();
  const bodies = new Map<string, number>();
  const count = (counts: Map<string, number>, what: string): unknown =>
    counts.set(what, (counts.get(what) ?? 0) + 1);
  const server = createServer((request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? 'none';
    count(seen, token);
    response.statusCode = token === 'refused' ? 401 : 200;
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => {
      count(bodies, `${request.method} ${bytes}`);
      response.end('answer');
    });
  });
  const subprocesses = new Subprocesses(Placement.none());
  const folder = mkdtempSync(join(tmpdir(), 'load-test-'));
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const tokenFile = join(folder, 'tokens');
    writeFileSync(tokenFile, `${tokens.join('\n')}\n`);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const load = make(subprocesses, folder);
    const result = await load.run({ expect: 'forwarded', ...plan, url, tokenFile, connections: CONNECTIONS });
    return { result, tokens: seen, bodies };
  } finally {
    await subprocesses.stopAll();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

const named = (count: number): string[] => Array.from({ length: count }, (_, index) => `token-${index}`);

const generators = [
  {
    name: 'autocannon',
    make: (subprocesses: Subprocesses) => autocannonLoad(subprocesses),
    skip: false as const,
  },
  { name: 'wrk', make: wrkLoad, ...needs('wrk') },
];

for (const { name, make, skip } of generators) {
  describe(`the load of ${name}`, { skip }, () => {
    it('sends each token exactly once if asked', async () => {
      // Not a multiple of the connections: the last ones have one token less.
      const { result, tokens } = await observe(make, { use: 'once', seconds: 1 }, named(1_003));
      assert.equal(tokens.size, 1_003);
      assert.deepEqual([...new Set(tokens.values())], [1]);
      assert.equal(result.completed, 1_003);
      assert.equal(result.failures, 0);
      assert.ok(result.seconds > 0 && result.latency.p50 > 0 && result.latency.p999 >= result.latency.p50);
    });

    it('repeats all tokens for the time given', async () => {
      const { result, tokens } = await observe(make, { use: 'cycle', seconds: 1 }, named(50));
      assert.equal(tokens.size, 50);
      const sent = [...tokens.values()].reduce((sum, times) => sum + times, 0);
      assert.ok(sent >= result.completed && sent <= result.completed + CONNECTIONS, `${sent}`);
      assert.equal(result.failures, 0);
    });

    it('sends one token on all connections', async () => {
      const { result, tokens } = await observe(make, { use: 'cycle', seconds: 0.2 }, named(1));
      assert.deepEqual([...tokens.keys()], ['token-0']);
      assert.ok(result.completed > CONNECTIONS);
    });

    it('counts refusals where they are expected, and everything else as a failure', async () => {
      const tokens = [...new Array<string>(99).fill('refused'), 'token-0'];
      const { result } = await observe(make, { use: 'once', seconds: 1, expect: 'refused' }, tokens);
      assert.deepEqual([result.completed, result.failures > 0], [99, true]);
      const all = await observe(make, { use: 'cycle', seconds: 0.2, expect: 'refused' }, ['refused']);
      assert.deepEqual([all.result.completed > CONNECTIONS, all.result.failures], [true, 0]);
    });

    it('sends no token for an empty line', async () => {
      const { tokens } = await observe(make, { use: 'cycle', seconds: 0.2 }, ['']);
      assert.deepEqual([...tokens.keys()], ['none']);
    });

    it('carries a body with each request', async () => {
      const { result, bodies } = await observe(
        make,
        { use: 'once', seconds: 1, uploadBytes: 100_000 },
        named(40),
      );
      assert.deepEqual([...bodies], [['POST 100000', 40]]);
      assert.deepEqual([result.completed, result.failures], [40, 0]);
    });

    it('sends no more requests per second than configured', async () => {
      const rate = 100;
      const { result } = await observe(make, { use: 'cycle', seconds: 1, rate }, named(5));
      // wrk's pauses are of random length; the mean of the first of eight connections may be half as long.
      const reached = result.completed / result.seconds;
      assert.ok(reached > 0 && reached < 2 * rate, `${reached}`);
      assert.deepEqual([result.failures, result.latency.curve.length], [0, QUANTILES.length]);
    });

    it('counts refusals as failures', async () => {
      const { result } = await observe(make, { use: 'once', seconds: 1 }, [...named(99), 'refused']);
      assert.equal(result.completed, 99);
      assert.ok(result.failures > 0);
    });
  });
}
