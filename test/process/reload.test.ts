import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';
import { Wire } from '../support/wire.ts';
import { listenOn, NamedUpstream, Stand } from './stand.ts';
import { SteadyClients } from './steady-clients.ts';
import { UndiciClients } from './undici-clients.ts';

const ROUNDS = 10;
/** Enough connections for each worker to get one, by any hash. */
const MANY = 16;

const keys = Array.from({ length: ROUNDS + 2 }, () => rsaKey());
const tokens = keys.map((key) =>
  rs256(key, { iss: 'https://i', aud: 'a', sub: 's', exp: secondsFromNow(3600) }),
);

/** The configuration of one round: everything has another name; one of the two keys is the next round's, too. */
function round(number: number, upstreams: readonly NamedUpstream[]): object {
  const upstream = upstreams[number % upstreams.length] as NamedUpstream;
  return {
    issuers: {
      [`issuer${number}`]: {
        issuer: 'https://i',
        audience: 'a',
        algorithms: ['RS256'],
        keys: { pem: keys.slice(number, number + 2).map(({ pem }) => pem) },
      },
    },
    upstreams: { [`upstream${number}`]: { servers: [upstream.url] } },
    routes: [
      { match: { path: '/' }, auth: `issuer${number}`, upstream: `upstream${number}` },
      { match: { path: `/public${number}` }, auth: 'none', upstream: `upstream${number}` },
    ],
  };
}

/** The responses by the rules of a round, and no others, on every one of these connections. */
async function assertInForce(number: number, connections: readonly Wire[], name: string): Promise<void> {
  const ask = async (wire: Wire, path: string, token?: string): Promise<string> => {
    const field = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
    wire.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
    const { status, body } = await wire.response();
    return status === 200 ? body : `${status}`;
  };
  const seen = await Promise.all(
    connections.map(async (wire) => [
      await ask(wire, '/x', tokens[number]),
      await ask(wire, '/x', tokens[number + 1]),
      await ask(wire, '/x', tokens[number - 1] ?? 'none'),
      await ask(wire, `/public${number}`),
      await ask(wire, `/public${number - 1}`),
    ]),
  );
  const expected = [`${name} /x`, `${name} /x`, '401', `${name} /public${number}`, '401'];
  assert.deepEqual(seen, new Array(connections.length).fill(expected));
}

test('ten reloads under load fail no request, and each is in force on every connection', async () => {
  const upstreams = await Promise.all(['a', 'b'].map((name) => NamedUpstream.start(name)));
  const stand = await Stand.start(round(0, upstreams));
  let current = 0;
  const judge = (status: number, body: string): string | undefined =>
    status === 200 && /^[ab] \/x$/.test(body) ? undefined : `${status} ${body}`;
  const clients = new SteadyClients({
    port: stand.port,
    head: () => `GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${tokens[current]}\r\n`,
    judge,
  });
  const others = new UndiciClients({
    port: stand.port,
    path: '/x',
    headers: () => ({ authorization: `Bearer ${tokens[current]}` }),
    judge,
  });
  const kept = await Promise.all(Array.from({ length: MANY }, () => Wire.open(stand.port)));
  const assertAllFollow = async (number: number): Promise<void> => {
    const name = number % 2 === 0 ? 'a' : 'b';
    await assertInForce(number, kept, name);
    const fresh = await Promise.all(Array.from({ length: MANY }, () => Wire.open(stand.port)));
    await assertInForce(number, fresh, name);
    for (const wire of fresh) wire.close();
  };
  try {
    await clients.pass(1000);
    const { listeners } = await stand.status();
    assert.ok(listeners.every(({ connections }) => connections > 0));
    for (let number = 1; number <= ROUNDS; number += 1) {
      // A client with a token of this key is accepted before and after. One with the last token is not: it must have its
      // response first.
      current = number;
      await Promise.all([clients.pass(128), clients.turnOver(), others.turnOver()]);
      stand.write(round(number, upstreams));
      await stand.told('SIGHUP', 'the configuration was reloaded');
      await assertAllFollow(number);
    }
    const place = 'portcullis\\.yaml:2:9: routes: ';
    stand.writeText('listen: 127.0.0.1:0\nroutes: nonsense\n');
    await stand.told('SIGHUP', 'the configuration was not reloaded: it has faults');
    assert.match(await stand.log(), new RegExp(`"level":"error"[^\\n]*"faults":\\[[^\\n]*${place}`));
    await assertAllFollow(ROUNDS);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    stand.write({
      ...round(ROUNDS + 1, upstreams),
      listen: [listenOn('127.0.0.1:0'), listenOn(`127.0.0.1:${port}`)],
    });
    await stand.told('SIGHUP', 'the configuration was not reloaded; the old one stays');
    assert.match(await stand.log(), new RegExp(`"why":"[^"]*127\\.0\\.0\\.1:${port}[^"]*taken`));
    taken.close();
    await assertAllFollow(ROUNDS);
    assert.deepEqual(
      (await stand.status()).listeners.map(({ pid }) => pid),
      listeners.map(({ pid }) => pid),
    );
    await Promise.all([clients.stop(), others.stop()]);
    assert.deepEqual(clients.failures, {});
    assert.deepEqual(others.failures, {});
    assert.ok(others.correct > 100, `${others.correct} of the other client`);
  } finally {
    await Promise.all([clients.stop(), others.stop()]);
    for (const wire of kept) wire.close();
    assert.equal((await stand.stop()).code, 0);
    for (const upstream of upstreams) upstream.close();
  }
});
