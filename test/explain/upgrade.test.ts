import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { configFromObject } from '../../src/config/load.ts';
import { type Explanation, explain } from '../../src/explain/explain.ts';
import type { AskedUpgrade } from '../../src/explain/question.ts';
import { createGateway, type LocalGateway } from '../../src/gateway/local-gateway.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../support/gateway.ts';
import { rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';
import { request } from '../support/wire.ts';
import { accepting, asking, dial, handshake, PeerServer } from '../tunnel/peers.ts';

const key = rsaKey();
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
const exp = secondsFromNow(600);
const token = rs256(key, { iss: 'https://issuer.example', aud: 'live', exp });
const PAGE = 'https://app.example';

let upstream: PeerServer;
let config: Config;
let gateway: LocalGateway;
let port = 0;

before(async () => {
  upstream = await PeerServer.start();
  const to = `http://127.0.0.1:${upstream.port}`;
  const live = { auth: 'main', upstream: to, upgrade: ['websocket', 'Foo'] };
  const result = configFromObject(
    {
      listen: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      verifiers: 0,
      issuers: {
        main: {
          issuer: 'https://issuer.example',
          audience: 'live',
          algorithms: ['RS256'],
          keys: { pem: key.pem },
          clockTolerance: '5s',
        },
      },
      routes: [
        { match: { path: '/live' }, ...live, origins: [PAGE] },
        { match: { path: '/any' }, ...live },
        { match: { path: '/listed' }, ...live, token: ['protocol:bearer'] },
        { match: { path: '/open' }, auth: 'none', upstream: to, upgrade: ['websocket'] },
        { match: { path: '/plain' }, auth: 'main', upstream: to },
      ],
    },
    folder,
    {},
  );
  assert.ok(result.ok, JSON.stringify(result));
  config = result.config;
  gateway = createGateway(config, { log: silentLog, acceptVulnerableNode: true });
  await gateway.start();
  port = Number(gateway.addresses.listen[0]?.split(':')[1]);
});

after(async () => {
  await gateway.close({ graceMs: 0 });
  await upstream.close();
  rmSync(folder, { recursive: true });
});

interface Row {
  readonly path: string;
  readonly asks: AskedUpgrade;
  readonly method?: string;
  readonly token?: string;
  /** Outcome and detail of the checks `upgrade` and `origin`. */
  readonly upgrade: readonly [outcome: string, detail: string];
  readonly origin: readonly [outcome: string, detail: string];
  /** The reason of the refusal; `tunnel`: upstream is asked for the upgrade; `without`: it is not. */
  readonly becomes: string;
}

const page = (origin: string | undefined = PAGE, protocol = 'websocket'): AskedUpgrade => ({
  protocol,
  origin,
});
const both = '"websocket" by "GET"; the route upgrades to websocket, foo';

const rows: Readonly<Record<string, Row>> = {
  'a page that may': {
    path: '/live',
    asks: page(),
    token,
    upgrade: ['pass', both],
    origin: ['pass', `"${PAGE}"; allowed: ${PAGE}`],
    becomes: 'tunnel',
  },
  'another page': {
    path: '/live',
    asks: page('https://evil.example'),
    token,
    upgrade: ['pass', both],
    origin: ['fail', `"https://evil.example"; allowed: ${PAGE}`],
    becomes: 'origin_not_allowed',
  },
  'a program': {
    path: '/live',
    asks: { protocol: 'websocket', origin: undefined },
    token,
    upgrade: ['pass', both],
    origin: ['pass', `no Origin, as of a program; allowed: ${PAGE}`],
    becomes: 'tunnel',
  },
  'any page where the route has no list': {
    path: '/any',
    asks: page('https://evil.example'),
    token,
    upgrade: ['pass', both],
    origin: ['pass', '"https://evil.example"; allowed: any'],
    becomes: 'tunnel',
  },
  'a token among the subprotocols': {
    path: '/listed',
    asks: page(),
    token,
    upgrade: ['pass', both],
    origin: ['pass', `"${PAGE}"; allowed: any`],
    becomes: 'tunnel',
  },
  'a token that is refused': {
    path: '/live',
    asks: page('https://evil.example'),
    token: rs256(key, { iss: 'https://issuer.example', aud: 'live', exp: secondsFromNow(-60) }),
    upgrade: ['not reached', ''],
    origin: ['not reached', ''],
    becomes: 'token_expired',
  },
  'another method': {
    path: '/live',
    asks: page(),
    method: 'POST',
    token,
    upgrade: ['fail', '"websocket" by "POST"; the route upgrades to websocket, foo'],
    origin: ['not reached', ''],
    becomes: 'request_malformed',
  },
  'another protocol that the route names': {
    path: '/live',
    asks: page(PAGE, 'foo'),
    token,
    upgrade: ['pass', '"foo" by "GET"; the route upgrades to websocket, foo'],
    origin: ['pass', `"${PAGE}"; allowed: ${PAGE}`],
    becomes: 'tunnel',
  },
  'a protocol that the route does not name': {
    path: '/live',
    asks: page(PAGE, 'h2c'),
    token,
    upgrade: [
      'not reached',
      '"h2c" by "GET"; the route upgrades to websocket, foo, so the request goes on without it',
    ],
    origin: ['not reached', ''],
    becomes: 'without',
  },
  'a route without upgrades': {
    path: '/plain',
    asks: page(),
    token,
    upgrade: [
      'not reached',
      '"websocket" by "GET"; the route upgrades to nothing, so the request goes on without it',
    ],
    origin: ['not reached', ''],
    becomes: 'without',
  },
  'a public route': {
    path: '/open',
    asks: page(),
    upgrade: ['pass', '"websocket" by "GET"; the route upgrades to websocket'],
    origin: ['pass', `"${PAGE}"; allowed: any`],
    becomes: 'tunnel',
  },
};

const ask = (row: Row, of = config): Promise<Explanation> => {
  const { path, method = 'GET', asks } = row;
  const question = { method, host: 'a', path, token: row.token, upgrade: asks };
  return explain(of, question, { offline: false, clock: systemClock });
};

/** What the gateway makes of the request: its refusal, or whether upstream is asked for the upgrade. */
async function real({ path, asks, method = 'GET', token: bearer = '' }: Row): Promise<string> {
  const offer = path === '/listed' ? `Sec-WebSocket-Protocol: bearer, ${bearer}\r\n` : '';
  const origin = asks.origin === undefined ? '' : `Origin: ${asks.origin}\r\n`;
  const fields = handshake(`${offer}${origin}`).replace('websocket', asks.protocol);
  const authorization = path === '/listed' || path === '/open' ? 'Basic eDp5' : `Bearer ${bearer}`;
  const head = asking(authorization, fields, path).replace('GET', method);
  const bare = authorization === 'Basic eDp5' ? head.replace(/Authorization: .*\r\n/, '') : head;
  const client = await dial(port);
  client.send(bare);
  const answered = client.until('\r\n\r\n').then((text) => text);
  const server = upstream.peer().then(async (peer) => ({ peer, head: await peer.until('\r\n\r\n') }));
  const first = await Promise.race([answered, server]);
  if (typeof first === 'string') {
    client.socket.destroy();
    return JSON.parse((await request(port, bare)).body).code;
  }
  const asked = /\r\nupgrade: /.test(first.head);
  if (asked && asks.protocol === 'websocket') {
    first.peer.send(accepting());
    assert.match(await answered, /^HTTP\/1\.1 101 /);
  } else answered.catch(() => {});
  first.peer.socket.destroy();
  client.socket.destroy();
  return asked ? 'tunnel' : 'without';
}

describe('explain of an upgrade:', () => {
  for (const [name, row] of Object.entries(rows)) {
    test(`${name}: ${row.becomes}`, async () => {
      const { checks, refusal, tunnel } = await ask(row);
      const [upgrade, origin] = checks.slice(-2);
      assert.deepEqual([upgrade?.name, upgrade?.outcome, upgrade?.detail], ['upgrade', ...row.upgrade]);
      assert.deepEqual([origin?.name, origin?.outcome, origin?.detail], ['origin', ...row.origin]);
      assert.equal(refusal?.reason ?? (tunnel === undefined ? 'without' : 'tunnel'), row.becomes);
      assert.equal(tunnel?.protocol, row.becomes === 'tunnel' ? row.asks.protocol : undefined);
      if (tunnel !== undefined) {
        // With the tolerance, which is what ends a real one.
        assert.equal(tunnel.endsAt, row.path === '/open' ? Number.POSITIVE_INFINITY : exp + 5);
      }
      assert.equal(await real(row), row.becomes);
    });
  }

  test('names the place of the token', async () => {
    const { checks } = await ask(rows['a token among the subprotocols'] as Row);
    assert.match(checks[0]?.detail ?? '', /, in the subprotocol behind bearer$/);
  });

  test('has no part in a request that asks for none', async () => {
    const question = { method: 'GET', host: 'a', path: '/live', token };
    const { checks, tunnel } = await explain(config, question, { offline: false, clock: systemClock });
    assert.ok(checks.every(({ name }) => name !== 'upgrade' && name !== 'origin'));
    assert.equal(tunnel, undefined);
  });
});
