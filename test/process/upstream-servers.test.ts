import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CountingStand } from './counting-stand.ts';
import { until } from './stand.ts';

test('a server drained by hand gets no request on any worker, over reload and replacement too', async () => {
  const counting = await CountingStand.start();
  const { stand, clients, services, addresses } = counting;
  const [, drained] = services;
  const [, address] = addresses;
  try {
    await counting.served(20);
    await counting.setMode(address as string, 'drain');
    // Requests that were under way end, and their connections with them.
    await until(
      () => drained?.connections(),
      (count) => count === 0,
    );
    const before = drained?.served;
    await clients.pass(300);
    counting.write({ timeouts: { response: '59s' } });
    await stand.told('SIGHUP', 'the configuration was reloaded');
    await clients.pass(300);
    const pids = await stand.pids();
    stand.signal('SIGUSR2');
    await stand.replaced(pids);
    await clients.pass(300);
    assert.equal(drained?.served, before);
    assert.deepEqual(
      (await counting.servers()).map(({ mode }) => mode),
      ['ready', 'drain', 'ready'],
    );
    await counting.setMode(address as string, 'ready');
    await counting.served(20);
    assert.deepEqual(clients.failures, {});
  } finally {
    await counting.stop();
  }
});
