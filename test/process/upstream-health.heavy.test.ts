import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CountingStand } from './counting-stand.ts';
import { until } from './stand.ts';

test('a server that dies gets no request after its checks have failed, on any worker', async () => {
  // A check takes a second only where the machine stands still, and hardly three in a row.
  const health = { path: '/healthz', interval: '1s', timeout: '1s', fall: 3 };
  const counting = await CountingStand.start({ health });
  const { stand, clients, services, addresses } = counting;
  try {
    await counting.served(20);
    services[2]?.close();
    await until(
      () => counting.servers(),
      (all) => all[2]?.health.state === 'unhealthy',
    );
    // Resolves when all workers have taken what was told last.
    await counting.setMode(addresses[0] as string, 'ready');
    // Refusals that were on their way have arrived.
    await clients.pass(200);
    const failed = { ...clients.failures };
    await clients.pass(2_000);
    assert.deepEqual(clients.failures, failed);
    // One check for each server, however many workers there are.
    const checks = services.reduce((sum, one) => sum + one.checks, 0);
    const metrics = await (await stand.admin('/metrics')).text();
    const ok = Number(/health_checks_total\{upstream="app",result="ok"\} (\d+)/.exec(metrics)?.[1]);
    assert.ok(checks <= ok + services.length, `${checks} checks, ${ok} of them good`);
    const lines = (await stand.log()).match(/an upstream server is unhealthy/g);
    assert.equal(lines?.length, 1);
  } finally {
    await counting.stop();
  }
});

test('a server that is stopped is out after its checks have failed, and back when it goes on', async () => {
  const health = { path: '/healthz', interval: '1s', timeout: '1s', rise: 2, fall: 3 };
  const counting = await CountingStand.start({ health, timeouts: { response: '2s' } });
  const { clients } = counting;
  const stateOf = async (): Promise<string | undefined> => (await counting.servers())[0]?.health.state;
  const [first] = counting.services;
  try {
    await counting.served(20);
    // It still takes connections, and sends nothing.
    first?.stop();
    await until(stateOf, (state) => state === 'unhealthy');
    await counting.setMode(counting.addresses[1] as string, 'ready');
    // Requests that it holds end by their time-out.
    await until(
      () => first?.held,
      (held) => held === 0,
    );
    const failed = { ...clients.failures };
    assert.deepEqual(
      Object.keys(failed).filter((kind) => kind !== 'status 504'),
      [],
    );
    await clients.pass(2_000);
    assert.deepEqual(clients.failures, failed);
    first?.goOn();
    await until(stateOf, (state) => state === 'healthy');
    await counting.served(20);
    assert.deepEqual(clients.failures, failed);
  } finally {
    await counting.stop();
  }
});
