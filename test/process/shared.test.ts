import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { run } from '../cli/program.ts';
import { hs256, rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';
import { request } from '../support/wire.ts';
import { listenOn, NamedUpstream, Stand, until } from './stand.ts';

/** Enough connections for each worker to get one, by any hash. */
const MANY = 24;

/** The statuses on that many new connections, one request each. */
async function statuses(stand: Stand, token: string): Promise<readonly number[]> {
  const replies = Array.from({ length: MANY }, () =>
    request(stand.port, `GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`),
  );
  return [...new Set((await Promise.all(replies)).map(({ status }) => status))];
}

test('two processes serve, neither of which is the supervisor', async () => {
  const upstream = await NamedUpstream.start('a');
  const stand = await Stand.start({ upstream: upstream.url, auth: 'none' });
  const sockets: Socket[] = [];
  try {
    for (let at = 0; at < MANY; at += 1) {
      const socket = connect(stand.port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect');
    }
    const listeners = await until(
      async () => (await stand.status()).listeners,
      (seen) => seen.reduce((sum, { connections }) => sum + connections, 0) === MANY,
    );
    assert.equal(listeners.length, 2);
    assert.ok(listeners.every(({ connections, pid }) => connections > 0 && pid !== stand.pid));
    assert.equal(await stand.metric('portcullis_listeners'), 2);
  } finally {
    for (const socket of sockets) socket.destroy();
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  }
});

test('a confirmed revocation is enforced by every worker, also by later ones', async () => {
  const secret = 's'.repeat(32);
  const upstream = await NamedUpstream.start('a');
  const stand = await Stand.start({
    upstream: upstream.url,
    issuers: { i: { issuer: 'x', audience: 'y', algorithms: ['HS256'], keys: { secret } } },
    revocation: { secret: 'r'.repeat(32) },
  });
  const tokenOf = (jti: string): string =>
    hs256(secret, { iss: 'x', aud: 'y', exp: secondsFromNow(600), iat: secondsFromNow(0), jti });
  const revoke = async (jti: string): Promise<void> => {
    const reply = await fetch(`http://127.0.0.1:${stand.adminPort}/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${'r'.repeat(32)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jti }),
    });
    assert.ok(reply.ok, `${reply.status}`);
  };
  try {
    for (let at = 0; at < 10; at += 1) {
      const token = tokenOf(`t${at}`);
      assert.deepEqual(await statuses(stand, token), [200]);
      await revoke(`t${at}`);
      assert.deepEqual(await statuses(stand, token), [401]);
    }
    const [victim] = (await stand.pids()) as [number];
    process.kill(victim, 'SIGKILL');
    await until(
      () => stand.pids(),
      (pids) => pids.length === 2 && !pids.includes(victim),
    );
    await stand.told('SIGUSR2', 'every listener was replaced');
    for (let at = 0; at < 10; at += 1) assert.deepEqual(await statuses(stand, tokenOf(`t${at}`)), [401]);
    assert.deepEqual(await statuses(stand, tokenOf('fresh')), [200]);
  } finally {
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  }
});

test("one fetch brings a new key to every worker, and strangers' keys cause no second one", async () => {
  const [first, second, stranger] = [rsaKey(), rsaKey(), rsaKey()];
  let keys = [{ key: first, kid: 'one' }];
  let fetches = 0;
  const issuer: Server = createServer((_, response) => {
    fetches += 1;
    const set = keys.map(({ key, kid }) => ({
      ...key.publicKey.export({ format: 'jwk' }),
      kid,
      use: 'sig',
      alg: 'RS256',
    }));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: set }));
  }).listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  const jwks = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks`;
  const upstream = await NamedUpstream.start('a');
  const tokenOf = (key: typeof first, kid: string): string =>
    rs256(key, { iss: 'x', aud: 'y', exp: secondsFromNow(600) }, { alg: 'RS256', typ: 'JWT', kid });
  const stand = await Stand.start({
    upstream: upstream.url,
    issuers: { i: { issuer: 'x', audience: 'y', algorithms: ['RS256'], keys: { jwks } } },
  });
  try {
    await until(
      () => statuses(stand, tokenOf(first, 'one')),
      ([status]) => status === 200,
    );
    assert.equal(fetches, 1);
    keys = [...keys, { key: second, kid: 'two' }];
    assert.deepEqual(await statuses(stand, tokenOf(second, 'two')), [200]);
    assert.equal(fetches, 2);
    for (let at = 0; at < 20; at += 1) {
      assert.deepEqual(await statuses(stand, tokenOf(stranger, `made-up-${at}`)), [401]);
    }
    assert.equal(fetches, 2);
    // Also workers that started later.
    await stand.told('SIGUSR2', 'every listener was replaced');
    assert.deepEqual(await statuses(stand, tokenOf(second, 'two')), [200]);
    assert.deepEqual(await statuses(stand, tokenOf(first, 'one')), [200]);
  } finally {
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
    issuer.closeAllConnections();
    issuer.close();
  }
});

test('a second gateway on the same address is refused, unless sharing is configured', async () => {
  const upstream = await NamedUpstream.start('a');
  const first = await Stand.start({ upstream: upstream.url, auth: 'none' });
  try {
    const config = { listen: [listenOn(`127.0.0.1:${first.port}`)], upstream: upstream.url, auth: 'none' };
    await assert.rejects(Stand.start(config), /127\.0\.0\.1:\d+: the port is taken by another program/);
    const second = await Stand.start(config, {}, ['--share-port']);
    assert.equal(second.port, first.port);
    assert.deepEqual(await statuses(first, 'none'), [200]);
    assert.equal((await second.stop()).code, 0);
    assert.deepEqual(await statuses(first, 'none'), [200]);
  } finally {
    assert.equal((await first.stop()).code, 0);
    upstream.close();
  }
});

test('a worker that a user starts is refused', async () => {
  const { code, stderr } = await run(['listener']);
  assert.deepEqual(
    [code, stderr],
    [64, 'portcullis: listener is started by portcullis start, not by hand\n'],
  );
});
