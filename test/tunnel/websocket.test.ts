import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { RouteConfig } from '../../src/config/config.ts';
import {
  eventually,
  serverOf,
  startGateway,
  type TestGateway,
  type TestOptions,
  testConfig,
} from '../support/gateway.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { rsaKey, secondsFromNow } from '../support/tokens.ts';
import { request } from '../support/wire.ts';
import {
  accepting,
  asking,
  closing,
  dial,
  type Ends,
  handshake,
  PeerServer,
  textFrame,
  tunnelOptions,
} from './peers.ts';

let upstream: PeerServer;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await PeerServer.start();
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const route: Partial<RouteConfig> = { upgrade: ['websocket'] };

async function start(more: Partial<TestOptions> = {}): Promise<void> {
  gateway = await startGateway(tunnelOptions(upstream, more));
}

/** An open tunnel: the client's end, and the server's. */
async function open(bearer = gateway.bearer()): Promise<Ends> {
  return upstream.open(await dial(gateway.port), asking(bearer));
}

async function statusOf(fields: string, path = '/ws'): Promise<number> {
  const { status } = await request(gateway.port, asking(gateway.bearer(), `${fields}`, path));
  return status;
}

const tunnels = (): number => serverOf(gateway).tunnels.size;

describe('a WebSocket', () => {
  test('is opened by upstream, and carries bytes both ways', async () => {
    await start();
    const client = await dial(gateway.port);
    const offer = handshake('Sec-WebSocket-Protocol: chat, echo\r\nOrigin: https://a\r\n');
    client.send(`${asking(gateway.bearer(), offer)}early`);
    const server = await upstream.peer();
    const head = await server.until('\r\n\r\n');
    assert.match(head, /^GET \/ws HTTP\/1\.1\r\n/);
    assert.match(head, /\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n$/);
    assert.match(head, /\r\nsec-websocket-protocol: chat, echo\r\n/);
    assert.equal(server.received, '', 'no byte of the client before the 101');
    server.send(`${accepting('Sec-WebSocket-Protocol: echo\r\nX-Own: yes\r\n')}first`);
    const answer = await client.until('\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    assert.match(
      answer,
      /\r\nSec-WebSocket-Protocol: echo\r\nX-Own: yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/,
    );
    assert.equal(await client.until('first'), 'first');
    assert.equal(await server.until('early'), 'early');
    client.send('more');
    await server.until('more');
    server.send(textFrame('back'));
    await client.until(textFrame('back'));
    assert.equal(tunnels(), 1);
    assert.deepEqual(await gateway.outcomes(), { upgraded: 1 });
    server.socket.end();
    await client.end();
    client.socket.end();
    await eventually(tunnels, (count) => count === 0);
  });

  test('that a client leaves ends upstream, and a client that ends its side still reads', async () => {
    await start();
    const { client, server } = await open();
    client.send('last');
    client.socket.end();
    assert.equal(await server.end(), 'last');
    server.send(textFrame('after'));
    server.socket.end();
    assert.equal(await client.end(), textFrame('after'));
    const { client: other, server: its } = await open();
    other.socket.destroy();
    await its.end();
  });

  test('whose server ends its side takes what the client still sends, and ends with the client', async () => {
    await start();
    const { client, server } = await open();
    server.send(textFrame('last'));
    server.socket.end();
    assert.equal(await client.end(), textFrame('last'));
    client.send('after');
    await server.until('after');
    assert.equal(tunnels(), 1);
    client.socket.end();
    await server.end();
    await eventually(tunnels, (count) => count === 0);
  });

  test('is refused as any other request', async () => {
    await start({ routes: [{ ...route, origins: ['https://app.example'] }] });
    const head = asking('Bearer x.y.z').replace(/Authorization.*\r\n/, '');
    assert.equal((await request(gateway.port, head)).status, 401);
    const version = await request(
      gateway.port,
      asking(gateway.bearer(), handshake().replace('Version: 13', 'Version: 8')),
    );
    assert.equal(version.status, 426);
    assert.equal(JSON.parse(version.body).code, 'upgrade_not_allowed');
    assert.equal(version.headers.get('sec-websocket-version'), '13');
    assert.equal(version.headers.get('upgrade'), 'websocket');
    assert.equal(await statusOf(handshake().replace(/Sec-WebSocket-Key.*\r\n/, '')), 400);
    assert.equal(await statusOf(handshake().replace(/Key: .*\r\n/, 'Key: short\r\n')), 400);
    assert.equal(await statusOf(handshake(`Sec-WebSocket-Key: ${'A'.repeat(22)}==\r\n`)), 400);
    assert.equal(await statusOf(handshake('Origin: https://evil.example\r\n')), 403);
    assert.equal(
      await statusOf(handshake('Origin: https://app.example\r\nOrigin: https://evil.example\r\n')),
      403,
    );
    assert.equal(tunnels(), 0);
  });

  test('is not asked for where the route does not name it, or the request has a body or is HTTP/1.0', async () => {
    await start({
      routes: [route, { name: '/plain', match: { host: undefined, path: '/plain', methods: undefined } }],
    });
    for (const head of [
      asking(gateway.bearer(), handshake(), '/plain'),
      asking(gateway.bearer(), handshake('Content-Length: 2\r\n')).replace('GET', 'POST'),
      asking(gateway.bearer()).replace('HTTP/1.1', 'HTTP/1.0'),
      asking(gateway.bearer(), handshake().replace('websocket', 'h2c')),
      asking(gateway.bearer(), handshake().replace(', Upgrade', '')),
    ]) {
      const client = await dial(gateway.port);
      client.send(`${head}${head.includes('Content-Length') ? 'ab' : ''}`);
      const server = await upstream.peer();
      const seen = await server.until('\r\n\r\n');
      assert.doesNotMatch(seen, /upgrade/i);
      server.socket.destroy();
      client.socket.destroy();
    }
  });

  test('is as upstream answers: another response is an ordinary one', async () => {
    await start();
    const client = await dial(gateway.port);
    client.send(asking(gateway.bearer()));
    const server = await upstream.peer();
    await server.until('\r\n\r\n');
    server.send('HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone');
    assert.match(await client.until('gone'), /^HTTP\/1\.1 404 Not Found\r\n/);
    assert.deepEqual(await gateway.outcomes(), { forwarded: 1 });
  });

  for (const [what, response] of [
    ['another key', accepting('', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=')],
    ['no upgrade', accepting().replace('Upgrade: websocket\r\n', '')],
    ['another protocol', accepting().replace('websocket', 'h2c')],
    ['an upgrade that Connection does not list', accepting().replace('Connection: Upgrade', 'Connection: x')],
    ['a subprotocol that was not offered', accepting('Sec-WebSocket-Protocol: chat\r\n')],
    ['an extension that was not offered', accepting('Sec-WebSocket-Extensions: permessage-deflate\r\n')],
    ['two answers to the key', accepting('Sec-WebSocket-Accept: x\r\n')],
    ['a body', accepting('Content-Length: 3\r\n')],
  ] as const) {
    test(`is refused where upstream's 101 has ${what}`, async () => {
      await start();
      const client = await dial(gateway.port);
      client.send(asking(gateway.bearer()));
      const server = await upstream.peer();
      await server.until('\r\n\r\n');
      server.send(response);
      assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 502 /);
      await server.end();
      assert.equal(tunnels(), 0);
    });
  }

  test('is one of a bounded number', async () => {
    await start({ config: { limits: { tunnels: 1 } } });
    const { client: first, server } = await open();
    const { status, body, headers } = await request(gateway.port, asking(gateway.bearer()));
    assert.equal(status, 503);
    assert.equal(JSON.parse(body).code, 'tunnels_exhausted');
    assert.equal(headers.get('retry-after'), '1');
    server.socket.destroy();
    first.socket.destroy();
    await eventually(tunnels, (count) => count === 0);
    // Two at a time ask for the last one.
    const asked = [];
    for (let count = 0; count < 2; count += 1) {
      const client = await dial(gateway.port);
      client.send(asking(gateway.bearer()));
      const its = await upstream.peer();
      await its.until('\r\n\r\n');
      asked.push({ client, its });
    }
    for (const { its } of asked) its.send(accepting());
    const lines = [];
    for (const { client } of asked) lines.push((await client.until('\r\n')).trim());
    assert.deepEqual(lines.sort(), ['HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 503 Service Unavailable']);
  });
});

describe('a WebSocket ends with its token:', () => {
  test('at `exp`', async () => {
    await start({ issuer: { clockToleranceMs: 0 } });
    const exp = secondsFromNow(2);
    const { client, server } = await open(gateway.bearer({ exp }));
    assert.equal(await client.end(), closing(1008, 'token_expired'));
    const late = Date.now() / 1000 - exp;
    assert.ok(late >= 0, `${late} s early`);
    await server.end();
    await eventually(tunnels, (count) => count === 0);
  });

  test('also where the client has ended its side and still reads', async () => {
    await start({ config: { revocation } });
    const { client, server } = await open();
    client.socket.end();
    await server.end();
    server.send(textFrame('still'));
    await client.until(textFrame('still'));
    await revoke(gateway.adminPort, { sub: 'user' });
    assert.equal(await client.end(), closing(1008, 'token_revoked'));
    await eventually(tunnels, (count) => count === 0);
  });

  test('also where it was revoked while upstream had the request', async () => {
    await start({ config: { revocation } });
    const client = await dial(gateway.port);
    client.send(asking(gateway.bearer()));
    const server = await upstream.peer();
    await server.until('\r\n\r\n');
    await revoke(gateway.adminPort, { sub: 'user' });
    server.send(accepting());
    await client.until('\r\n\r\n');
    assert.equal(await client.end(), closing(1008, 'token_revoked'));
  });

  test('between two frames of upstream', async () => {
    await start({ config: { revocation } });
    const { client, server } = await open();
    const frame = textFrame('x'.repeat(300));
    server.send(frame.slice(0, 10));
    await client.until(frame.slice(0, 10));
    await revoke(gateway.adminPort, { sub: 'user' });
    await eventually(
      () => serverOf(gateway).tunnels.ending,
      (count) => count === 1,
    );
    server.send(`${frame.slice(10)}${textFrame('never')}`);
    assert.equal(await client.end(), `${frame.slice(10)}${closing(1008, 'token_revoked')}`);
  });

  test('and is cut where upstream does not end its frame', async () => {
    await start({ config: { revocation } });
    const { client, server } = await open();
    server.send(textFrame('x'.repeat(100)).slice(0, 50));
    await client.until('xxx');
    await revoke(gateway.adminPort, { sub: 'user' });
    await server.end();
    assert.doesNotMatch(await client.end(), /token_revoked/);
  });

  test('when its key goes', async () => {
    await start();
    const { client } = await open();
    const { pem } = rsaKey();
    const other = {
      id: 'other',
      kid: 'other',
      algorithms: ['RS256'],
      material: { kind: 'public' as const, pem },
    };
    serverOf(gateway).authorizer.setKeys('test', [other]);
    assert.match(await client.end(), /(signature_invalid|key_unknown)$/);
  });

  test('and other tokens do not matter', async () => {
    await start({ config: { revocation } });
    const { client, server } = await open();
    await revoke(gateway.adminPort, { sub: 'somebody else' });
    server.send(textFrame('still'));
    await client.until(textFrame('still'));
    assert.equal(tunnels(), 1);
  });
});

describe('a WebSocket and its gateway:', () => {
  const reloaded = (more: Partial<TestOptions>): Promise<unknown> =>
    gateway.gateway.reload(testConfig(tunnelOptions(upstream, more)));

  test('a reload leaves it alone', async () => {
    await start();
    const { client, server } = await open();
    await reloaded({ limits: { connections: 7 } });
    await eventually(
      () => serverOf(gateway).exchanges.length,
      (count) => count === 0,
    );
    client.send('on');
    await server.until('on');
    server.send(textFrame('on'));
    await client.until(textFrame('on'));
  });

  test('a reload without its route, or that upgrades nothing there, ends it', async () => {
    await start();
    const { client } = await open();
    const { client: other } = await open();
    const gone = { name: '/else', match: { host: undefined, path: '/else', methods: undefined } };
    await reloaded({ routes: [{ ...route, ...gone }] });
    assert.equal(await client.end(), closing(1001, 'route_not_found'));
    assert.equal(await other.end(), closing(1001, 'route_not_found'));
  });

  test('a reload whose issuer refuses the token ends it', async () => {
    await start();
    const { client } = await open();
    await reloaded({ issuer: { audience: ['others'] } });
    assert.equal(await client.end(), closing(1008, 'audience_mismatch'));
  });

  test('a gateway that stops sends 1001', async () => {
    await start();
    const { client, server } = await open();
    const stopped = gateway.gateway.close({ graceMs: 20_000 });
    assert.equal(await client.end(), closing(1001, 'draining'));
    client.socket.end();
    await server.end();
    assert.equal(await stopped, 0);
  });

  test('it ends when nothing moves', async () => {
    await start({ config: { timeouts: { tunnelMs: 1_000 } } });
    const { client } = await open();
    assert.equal(await client.end(), closing(1001, 'tunnel_idle'));
  });
});
