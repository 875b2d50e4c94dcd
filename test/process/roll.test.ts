import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent, request as undiciRequest } from 'undici';
import { NamedUpstream, Stand, until } from './stand.ts';
import { SteadyClients } from './steady-clients.ts';

test('SIGUSR2 replaces every worker and fails no request on kept connections', async () => {
  const upstream = await NamedUpstream.start('a');
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none' });
  const clients = new SteadyClients({
    port: stand.port,
    head: () => 'GET /x HTTP/1.1\r\nHost: a\r\n',
    judge: (status, body) => (status === 200 && body === 'a /x' ? undefined : `${status} ${body}`),
  });
  const agent = new Agent({ connections: 8 });
  try {
    const long = fetch(`http://127.0.0.1:${stand.port}/held`).then((response) => response.text());
    await until(
      () => upstream.held,
      (held) => held === 1,
    );
    let counted = 0;
    for (let time = 0; time < 3; time += 1) {
      const before = await stand.pids();
      await stand.told('SIGUSR2', 'every listener was replaced');
      const now = await stand.pids();
      assert.equal(now.length, 2);
      assert.deepEqual(
        now.filter((pid) => before.includes(pid)),
        [],
      );
      await clients.pass(1000);
      if (time === 0) {
        // Half a response came from a worker that has been replaced.
        upstream.letGo();
        assert.equal(await long, 'held back');
      }
      for (let at = 0; at < 20; at += 1) {
        const response = await undiciRequest(`http://127.0.0.1:${stand.port}/u`, { dispatcher: agent });
        assert.equal(await response.body.text(), 'a /u');
      }
      // The counts of replaced workers are not lost.
      const total = await stand.metric('portcullis_requests_total');
      assert.ok(total >= counted + 1000, `${total} after ${counted}`);
      counted = total;
    }
    assert.equal(await stand.metric('portcullis_listener_deaths_total'), 0);
    await clients.stop();
    assert.deepEqual(clients.failures, {});
    // No client is left on the old ones, so they end by themselves.
    await until(
      async () => (await stand.status()).listeners.length,
      (count) => count === 2,
    );
  } finally {
    await clients.stop();
    await agent.close();
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  }
});
