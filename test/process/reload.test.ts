import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';
import { request } from '../support/wire.ts';
import { NamedUpstream, Stand } from './stand.ts';
import { SteadyClients } from './steady-clients.ts';

const key = rsaKey();
const token = rs256(key, { iss: 'https://i', aud: 'a', sub: 's', exp: secondsFromNow(3600) });

/** The configuration of one round: another issuer's name, another further key, another upstream, another route. */
function round(number: number, upstreams: readonly NamedUpstream[]): object {
  const upstream = upstreams[number % upstreams.length] as NamedUpstream;
  return {
    issuers: {
      [`issuer${number}`]: {
        issuer: 'https://i',
        audience: 'a',
        algorithms: ['RS256'],
        keys: { pem: [key.pem, rsaKey().pem] },
      },
    },
    upstreams: { [`upstream${number}`]: { servers: [upstream.url] } },
    routes: [
      { match: { path: '/' }, auth: `issuer${number}`, upstream: `upstream${number}` },
      { match: { path: `/public${number}` }, auth: 'none', upstream: `upstream${number}` },
    ],
  };
}

test('ten reloads under load fail no request, and each is in force on every connection', async () => {
  const upstreams = await Promise.all(['a', 'b'].map((name) => NamedUpstream.start(name)));
  const stand = await Stand.start(round(0, upstreams));
  const seen = new Set<string>();
  const clients = new SteadyClients({
    port: stand.port,
    head: () => `GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n`,
    judge: (status, body) => {
      if (status !== 200 || !/^[ab] \/x$/.test(body)) return `${status} ${body}`;
      seen.add(body);
      return undefined;
    },
  });
  try {
    await clients.pass(1000);
    const pids = await stand.pids();
    for (let number = 1; number <= 10; number += 1) {
      stand.write(round(number, upstreams));
      await stand.told('SIGHUP', 'the configuration was reloaded');
      // What began before ends as it began: one request for each client.
      await clients.pass(128);
      seen.clear();
      await clients.pass(500);
      assert.deepEqual([...seen], [`${upstreams[number % 2]?.name} /x`]);
      // Many connections, so that both listeners answer.
      for (let connection = 0; connection < 16; connection += 1) {
        const open = await request(stand.port, `GET /public${number} HTTP/1.1\r\nHost: a\r\n\r\n`);
        assert.equal(open.status, 200);
        const gone = await request(stand.port, `GET /public${number - 1} HTTP/1.1\r\nHost: a\r\n\r\n`);
        assert.equal(gone.status, 401);
      }
    }
    // A file with faults, and one that is not to be had.
    stand.writeText('listen: 127.0.0.1:0\nroutes: nonsense\n');
    await stand.told('SIGHUP', 'the configuration was not reloaded: it has faults');
    assert.match(await stand.program.printed(/^/), /portcullis\.yaml:2:9: routes: /);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    stand.write({ ...round(11, upstreams), listen: ['127.0.0.1:0', `127.0.0.1:${port}`] });
    await stand.told('SIGHUP', 'the configuration was not reloaded; the old one stays');
    assert.match(
      await stand.program.printed(/^/),
      new RegExp(`"why":"[^"]*127\\.0\\.0\\.1:${port}[^"]*taken`),
    );
    taken.close();
    seen.clear();
    await clients.pass(500);
    assert.deepEqual([...seen], ['a /x']);
    assert.deepEqual(await stand.pids(), pids);
    await clients.stop();
    assert.deepEqual(clients.failures, {});
  } finally {
    await clients.stop();
    assert.equal((await stand.stop()).code, 0);
    for (const upstream of upstreams) upstream.close();
  }
});
