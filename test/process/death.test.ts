import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inWorkers, lives, NamedUpstream, Stand, until } from './stand.ts';
import { failures, SteadyClients } from './steady-clients.ts';

test('a killed worker loses only its requests in flight, and is replaced', async () => {
  const upstream = await NamedUpstream.start('a');
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none' });
  const clients = new SteadyClients({
    port: stand.port,
    head: () => 'GET /x HTTP/1.1\r\nHost: a\r\n',
    judge: (status, body) => (status === 200 && body === 'a /x' ? undefined : `${status} ${body}`),
  });
  try {
    await clients.pass(2000);
    const [victim, other] = (await stand.pids()) as [number, number];
    process.kill(victim, 'SIGKILL');
    await stand.replaced([victim]);
    await clients.pass(2000);
    await clients.stop();
    // Its requests in flight fail, and those in its queue; never a closed port, and never a wrong response.
    const { [failures.kept]: kept = 0, [failures.part]: part = 0, ...others } = clients.failures;
    const { [failures.fresh]: fresh = 0, ...never } = others;
    assert.deepEqual(never, {});
    assert.ok(kept + part + fresh <= clients.size, `${kept} + ${part} + ${fresh} cut`);
    assert.ok((await stand.pids()).includes(other));
    assert.equal(await stand.metric('portcullis_listener_deaths_total'), 1);
    assert.match(
      await stand.log(),
      new RegExp(
        `"level":"error"[^\\n]*"pid":${victim},[^\\n]*"signal":"SIGKILL"[^\\n]*died and is replaced`,
      ),
    );
  } finally {
    await clients.stop();
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  }
});

test('a worker that hangs is killed and replaced, while the other serves', async () => {
  const upstream = await NamedUpstream.start('a');
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none' });
  try {
    const [victim] = (await stand.pids()) as [number];
    process.kill(victim, 'SIGSTOP');
    await stand.program.printed(new RegExp(`"pid":${victim},[^\\n]*"a listener hangs and is killed"`));
    await stand.replaced([victim]);
  } finally {
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  }
});

test('a worker with an internal error reports it, finishes its requests, and is replaced', async () => {
  const upstream = await NamedUpstream.start('a');
  const faulty = inWorkers("process.on('SIGCONT', () => { throw new Error('made up'); })");
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none', listeners: 1 }, faulty);
  try {
    const [victim] = (await stand.pids()) as [number];
    const held = fetch(`http://127.0.0.1:${stand.port}/held`).then((response) => response.text());
    await until(
      () => upstream.held,
      (count) => count === 1,
    );
    process.kill(victim, 'SIGCONT');
    await stand.program.printed(
      /"listener":0,"error":\{[^\n]*"message":"made up"[^\n]*"stack":"Error: made up/,
    );
    const [next] = await stand.replaced([victim], 1);
    // The new one serves, and nothing was refused in between.
    const response = await fetch(`http://127.0.0.1:${stand.port}/x`);
    assert.equal(await response.text(), 'a /x');
    upstream.letGo();
    assert.equal(await held, 'held back');
    await until(
      () => lives(victim),
      (alive) => !alive,
    );
    assert.ok(lives(next as number));
    assert.equal(await stand.metric('portcullis_listener_deaths_total'), 1);
  } finally {
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  }
});

test('workers that never come to serve end the start with a reason', async () => {
  const dying = inWorkers("process.kill(process.pid, 'SIGKILL')");
  const config = { upstream: 'http://127.0.0.1:9', auth: 'none' };
  const { code, stdout, stderr } = await Stand.refused(config, dying);
  assert.equal(code, 69);
  assert.equal(stderr, 'portcullis: the listener processes end before they serve\n');
  assert.doesNotMatch(stdout, /"(serving|ready)"/);
});

test('a worker that dies repeatedly after a start is restarted each time, with growing pauses', async () => {
  const upstream = await NamedUpstream.start('a');
  // Every worker but the first two ends at once.
  const flag = join(mkdtempSync(join(tmpdir(), 'portcullis-')), 'die');
  const dying = inWorkers(`if (existsSync('${flag}')) process.exit(3)`);
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none' }, dying);
  try {
    const [victim, other] = (await stand.pids()) as [number, number];
    // It has served for a while, so there is hope.
    await until(
      async () => (await stand.status()).listeners.length,
      (count) => count === 2,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    writeFileSync(flag, '');
    process.kill(victim, 'SIGKILL');
    await until(
      async () => (await stand.pids()).length,
      (count) => count === 1,
    );
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.deepEqual(await stand.pids(), [other]);
    assert.equal((await fetch(`http://127.0.0.1:${stand.port}/x`)).status, 200);
    rmSync(flag);
    await until(
      async () => (await stand.pids()).length,
      (count) => count === 2,
    );
  } finally {
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
    rmSync(join(flag, '..'), { recursive: true });
  }
});
