import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { errors } from '../front/node/h2/conformance/rows.ts';
import { frame, types, uint32 } from '../front/node/h2/frames.ts';
import { eventually, testConfig } from '../support/gateway.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { secondsFromNow } from '../support/tokens.ts';
import { INITIAL_WINDOW_SIZE } from './h2-peer.ts';
import { H2Stand } from './h2-stand.ts';
import { closing, textFrame } from './peers.ts';

let stand: H2Stand;
afterEach(() => stand.close());

describe('a tunnel by HTTP/2', () => {
  test('ends one direction at a time, from both sides', async () => {
    stand = await H2Stand.start();
    const { client, server } = await stand.open();
    client.data(1, 'last', true);
    assert.equal(await server.end(), 'last');
    server.send(textFrame('after'));
    await client.when(() => client.stream(1).text === textFrame('after'));
    assert.equal(client.stream(1).ended, false);
    server.socket.end();
    await client.when(() => client.stream(1).ended);
    const its = await stand.openOn(client, 3);
    its.send('bye');
    its.socket.end();
    await client.when(() => client.stream(3).ended);
    assert.equal(client.stream(3).text, 'bye');
    client.data(3, 'after', true);
    await its.end();
    await client.roundTrip();
    assert.deepEqual([client.stream(1).reset, client.stream(3).reset], [undefined, undefined]);
    await eventually(
      () => stand.tunnels,
      (count) => count === 0,
    );
  });

  test('ends upstream where the client resets it, or leaves', async () => {
    stand = await H2Stand.start();
    const { client, server } = await stand.open();
    const other = await stand.openOn(client, 3);
    client.send(frame(types.reset, 0, 1, uint32(errors.cancel)));
    await server.end();
    assert.equal(stand.tunnels, 1);
    client.socket.destroy();
    await other.end();
    await eventually(
      () => stand.tunnels,
      (count) => count === 0,
    );
  });

  test('is cut with CANCEL where upstream resets its connection', async () => {
    stand = await H2Stand.start();
    const { client, server } = await stand.open();
    server.socket.resetAndDestroy();
    await client.when(() => client.stream(1).isOver);
    assert.deepEqual([client.stream(1).reset, client.stream(1).ended], [errors.cancel, false]);
    await eventually(
      () => stand.tunnels,
      (count) => count === 0,
    );
  });

  test('goes upstream at the pace of upstream, and holds up no other stream', async () => {
    stand = await H2Stand.start();
    const { client, server } = await stand.open();
    server.socket.pause();
    const stream = client.stream(1);
    const piece = 'x'.repeat(16 * 1024);
    let sent = 0;
    let window = 256 * 1024;
    // Until no more is granted: the system's buffers and the window of the stream are full.
    await eventually(
      async () => {
        const before = sent;
        while (sent + piece.length <= window) {
          client.data(1, piece);
          sent += piece.length;
        }
        await client.roundTrip();
        window = 256 * 1024 + stream.granted;
        return sent > before || sent + piece.length <= window;
      },
      (goesOn) => !goesOn,
    );
    const second = client.ask(3, [
      [':method', 'POST'],
      [':scheme', 'https'],
      [':path', '/upload'],
      [':authority', 'a'],
      ['authorization', stand.gateway.bearer()],
      ['content-length', '160000'],
    ]);
    for (let at = 0; at < 10; at += 1) client.data(3, 'y'.repeat(16_000), at === 9);
    const its = await stand.upstream.peer();
    await its.until('y'.repeat(160_000));
    its.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await client.when(() => second.ended);
    assert.equal(second.text, 'ok');
    server.socket.resume();
    client.data(1, '', true);
    assert.equal((await server.end()).length, sent);
  });

  test('comes at the pace of the client, and holds up no other stream', async () => {
    stand = await H2Stand.start();
    const { client, server } = await stand.open(undefined, [INITIAL_WINDOW_SIZE, 1_000]);
    const much = 8 * 1024 * 1024;
    server.send('x'.repeat(much));
    await client.when(() => client.stream(1).text.length === 1_000);
    const other = await stand.openOn(client, 3);
    other.send(textFrame('quick'));
    await client.when(() => client.stream(3).text === textFrame('quick'));
    await client.roundTrip();
    assert.equal(client.stream(1).text.length, 1_000);
    client.widen(1, much);
    await client.when(() => client.stream(1).text.length === much);
  });

  for (const [side, more] of [
    ['at `exp`', { issuer: { clockToleranceMs: 0 } }],
    ['when it is revoked', { config: { revocation } }],
  ] as const) {
    test(`ends with its token ${side}: a Close frame, then the end of the stream`, async () => {
      stand = await H2Stand.start(more);
      const expires = side === 'at `exp`';
      const { client, server } = await stand.open(
        expires ? stand.gateway.bearer({ exp: secondsFromNow(2) }) : undefined,
      );
      if (!expires) await revoke(stand.gateway.adminPort, { sub: 'user' });
      const stream = client.stream(1);
      await client.when(() => stream.ended);
      assert.equal(stream.text, closing(1008, expires ? 'token_expired' : 'token_revoked'));
      assert.equal(stream.reset, undefined);
      await server.end();
      client.data(1, 'its own Close frame', true);
      await client.roundTrip();
      assert.deepEqual([stream.reset, client.goAway], [undefined, undefined]);
    });
  }

  test('is cut with CANCEL where upstream does not end its frame', async () => {
    stand = await H2Stand.start({ config: { revocation } });
    const { client, server } = await stand.open();
    server.send(textFrame('x'.repeat(100)).slice(0, 50));
    await client.when(() => client.stream(1).text.length === 50);
    await revoke(stand.gateway.adminPort, { sub: 'user' });
    await client.when(() => client.stream(1).isOver);
    assert.deepEqual([client.stream(1).reset, client.stream(1).ended], [errors.cancel, false]);
    await server.end();
  });

  test('ends with a reload that removes its route, and not with another', async () => {
    stand = await H2Stand.start();
    const { client, server } = await stand.open();
    await stand.gateway.gateway.reload(
      testConfig(H2Stand.options(stand.upstream, { limits: { connections: 7 } })),
    );
    client.data(1, 'on');
    await server.until('on');
    await stand.gateway.gateway.reload(testConfig(H2Stand.options(stand.upstream, { routes: [{}] })));
    await client.when(() => client.stream(1).ended);
    assert.equal(client.stream(1).text, closing(1001, 'route_not_found'));
    // The setting stays (RFC 8441 §3), so the client may ask, and is told.
    const again = client.connect(3, stand.gateway.bearer());
    await client.when(() => again.ended);
    assert.deepEqual([again.status, JSON.parse(again.text).code], [426, 'upgrade_not_allowed']);
  });

  test('lasts beyond GOAWAY up to the Close frame of a gateway that stops, and the connection ends with it', async () => {
    stand = await H2Stand.start({ config: { shutdown: { graceMs: 30_000, tunnelsMs: 2_500 } } });
    const { client, server } = await stand.open();
    const stopped = stand.gateway.gateway.close({ graceMs: 20_000 });
    await client.when(() => client.goAway !== undefined);
    client.data(1, 'on');
    await server.until('on');
    server.send(textFrame('on'));
    await client.when(() => client.stream(1).text === textFrame('on'));
    await client.when(() => client.stream(1).ended);
    assert.equal(client.stream(1).text, textFrame('on') + closing(1001, 'draining'));
    client.data(1, '', true);
    await client.end();
    assert.equal(client.goAway, errors.none);
    assert.equal(await stopped, 0);
  });

  test('ends when nothing moves', async () => {
    stand = await H2Stand.start({ config: { timeouts: { tunnelMs: 1_000 } } });
    const { client } = await stand.open();
    await client.when(() => client.stream(1).ended);
    assert.equal(client.stream(1).text, closing(1001, 'tunnel_idle'));
  });
});
