import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { lives, NamedUpstream, Stand, until } from './stand.ts';
import { failures, SteadyClients } from './steady-clients.ts';

/** Downloads that are half way, and their results. */
async function holdDownloads(
  stand: Stand,
  upstream: NamedUpstream,
  count: number,
): Promise<Promise<string>[]> {
  const downloads = Array.from({ length: count }, () =>
    fetch(`http://127.0.0.1:${stand.port}/held`).then((response) => response.text()),
  );
  await until(
    () => upstream.held,
    (held) => held === count,
  );
  return downloads;
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const [error] = await Promise.race([once(socket, 'error'), once(socket, 'connect')]);
  socket.destroy();
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
}

for (const whole of [false, true]) {
  const how = whole ? 'SIGINT to the whole process group' : 'SIGTERM';
  test(`${how} under load: current requests end, new connections are refused at once, exit 0`, async () => {
    const upstream = await NamedUpstream.start('a');
    const stand = await Stand.start({ upstream: upstream.url, auth: 'none' }, { detached: true });
    const clients = new SteadyClients({
      port: stand.port,
      head: () => 'GET /x HTTP/1.1\r\nHost: a\r\n',
      judge: (status, body) => (status === 200 && body === 'a /x' ? undefined : `${status} ${body}`),
    });
    const pids = await stand.pids();
    const downloads = await holdDownloads(stand, upstream, 8);
    await clients.pass(1000);
    if (whole) process.kill(-stand.pid, 'SIGINT');
    else stand.signal('SIGTERM');
    await stand.program.printed(/"message":"stopping"/);
    await until(
      () => isRefused(stand.port),
      (refused) => refused,
    );
    const stopped = clients.stop();
    upstream.letGo();
    assert.deepEqual(await Promise.all(downloads), new Array(8).fill('held back'));
    await stopped;
    // From then on they met closed ports, and nothing else. The kernel resets connections in the queue of a socket that
    // closes: a client asked to leave comes back at once, so it can meet that once for each worker.
    const { 'connect ECONNREFUSED': _, [failures.fresh]: queued = 0, ...others } = clients.failures;
    assert.deepEqual(others, {});
    assert.ok(queued <= clients.size * pids.length, `${queued} connections were taken and never answered`);
    const { code, stdout } = await stand.program.ended;
    assert.equal(code, 0);
    assert.match(stdout, /"cut":0,"message":"stopped"/);
    assert.ok(pids.every((pid) => !lives(pid)));
    await stand.stop();
    upstream.close();
  });
}

test('a second signal ends everything at once', async () => {
  const upstream = await NamedUpstream.start('a');
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none' });
  const pids = await stand.pids();
  const downloads = Promise.allSettled(await holdDownloads(stand, upstream, 4));
  await stand.told('SIGTERM', 'stopping');
  stand.signal('SIGTERM');
  assert.equal((await stand.program.ended).code, 143);
  await until(
    () => pids.some(lives),
    (alive) => !alive,
  );
  assert.ok((await downloads).every(({ status }) => status === 'rejected'));
  await stand.stop();
  upstream.close();
});

test('workers whose supervisor is gone finish their requests, and end', async () => {
  const upstream = await NamedUpstream.start('a');
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none' });
  const pids = await stand.pids();
  const downloads = await holdDownloads(stand, upstream, 8);
  stand.signal('SIGKILL');
  await until(
    () => isRefused(stand.port),
    (refused) => refused,
  );
  assert.ok(pids.some(lives));
  upstream.letGo();
  assert.deepEqual(await Promise.all(downloads), new Array(8).fill('held back'));
  await until(
    () => pids.some(lives),
    (alive) => !alive,
  );
  assert.match((await stand.program.ended).stdout, /"listener":\d[^\n]*the supervisor is gone/);
  await stand.stop();
  upstream.close();
});
