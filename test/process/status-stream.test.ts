import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NamedUpstream, Stand } from './stand.ts';

interface Told {
  readonly samples: readonly { readonly requests: number }[];
  readonly rows: { readonly listeners: readonly { readonly pid: number; readonly state: string }[] };
}

/** The data of the events of a stream, one after another. */
async function* eventsOf(stand: Stand): AsyncGenerator<Told> {
  const { body } = await stand.admin('/status/stream');
  let text = '';
  for await (const bytes of body as AsyncIterable<Uint8Array>) {
    text += Buffer.from(bytes).toString('utf8');
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      yield JSON.parse(/^data: (.*)$/m.exec(text.slice(0, end))?.[1] ?? '') as Told;
      text = text.slice(end + 2);
    }
  }
}

test('the stream of the status counts the requests of all processes, and has a row for each', async () => {
  const upstream = await NamedUpstream.start('one');
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none' });
  try {
    for (let count = 0; count < 5; count += 1) {
      await (await fetch(`http://127.0.0.1:${stand.port}/${count}`)).text();
    }
    let requests = 0;
    for await (const { samples, rows } of eventsOf(stand)) {
      requests += samples.reduce((sum, sample) => sum + sample.requests, 0);
      if (requests < 5) continue;
      assert.equal(requests, 5);
      assert.deepEqual(rows.listeners.map(({ pid }) => pid).sort(), [...(await stand.pids())].sort());
      break;
    }
    assert.equal(requests, 5);
  } finally {
    await stand.stop();
    await upstream.close();
  }
});
