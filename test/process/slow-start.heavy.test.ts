import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inWorkers, NamedUpstream, Stand } from './stand.ts';

/** Milliseconds for which a worker does nothing at its start: longer than one that serves may be silent. */
const SLOW_MS = 13_000;

test('workers that need long to load are not killed', async () => {
  const upstream = await NamedUpstream.start('a');
  const slow = inWorkers(`Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${SLOW_MS});`);
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none' }, slow).catch((error) => {
    upstream.close();
    throw error;
  });
  try {
    assert.equal(await (await fetch(`http://127.0.0.1:${stand.port}/x`)).text(), 'a /x');
    assert.equal(await stand.metric('portcullis_listener_deaths_total'), 0);
    assert.doesNotMatch(await stand.log(), /hangs/);
  } finally {
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  }
});
