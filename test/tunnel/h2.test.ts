import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { RouteConfig } from '../../src/config/config.ts';
import { connectFields } from '../front/node/h2/client.ts';
import { errors } from '../front/node/h2/conformance/rows.ts';
import { eventually } from '../support/gateway.ts';
import { recordingLog } from '../support/recording-log.ts';
import { accept, acceptingFor } from './h2-peer.ts';
import { H2Stand, opening } from './h2-stand.ts';
import { accepting, textFrame } from './peers.ts';

type Fields = readonly (readonly [name: string, value: string])[];

let stand: H2Stand;
afterEach(() => stand.close());

/** Waits for the end of a stream, and returns its status and the reason word of the reply. */
async function refused(fields: Fields): Promise<readonly [number, string]> {
  const client = await stand.dial();
  const stream = client.ask(1, fields);
  await client.when(() => stream.ended);
  return [stream.status, JSON.parse(stream.text).code];
}

describe('a WebSocket by HTTP/2', () => {
  test('is opened by upstream, which gets it by HTTP/1.1, and carries bytes both ways', async () => {
    stand = await H2Stand.start();
    const client = await stand.dial();
    const stream = client.connect(
      1,
      stand.gateway.bearer(),
      ['sec-websocket-protocol', 'chat, echo'],
      ['sec-websocket-extensions', 'permessage-deflate'],
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ['origin', 'https://a'],
    );
    client.data(1, 'early');
    const server = await stand.upstream.peer();
    const head = await server.until('\r\n\r\n');
    assert.match(head, /^GET \/ws\?a=b HTTP\/1\.1\r\nhost: example\.com\r\n/);
    assert.match(head, /\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n$/);
    assert.match(head, /\r\nsec-websocket-protocol: chat, echo\r\n/);
    assert.match(head, /\r\norigin: https:\/\/a\r\n/);
    assert.equal(head.match(/sec-websocket-key/g)?.length, 1);
    assert.doesNotMatch(head, /dGhlIHNhbXBsZSBub25jZQ|:protocol/);
    await client.roundTrip();
    assert.deepEqual([server.received, stream.fields], ['', undefined], 'not a byte before the 101');
    const own =
      'Sec-WebSocket-Protocol: echo\r\nSec-WebSocket-Extensions: permessage-deflate\r\nX-Own: yes\r\n';
    server.send(`${acceptingFor(head, own)}first`);
    await client.when(() => stream.text === 'first');
    const fields = stream.fields?.filter((line) => !line.startsWith('date: '));
    assert.deepEqual(fields, [
      ':status: 200',
      'sec-websocket-protocol: echo',
      'sec-websocket-extensions: permessage-deflate',
      'x-own: yes',
    ]);
    await server.until('early');
    client.data(1, 'more');
    await server.until('more');
    assert.equal(stand.tunnels, 1);
    assert.deepEqual(await stand.gateway.outcomes(), { upgraded: 1 });
  });

  test('leaves a line in the access log as one by HTTP/1.1, with what its client saw', async () => {
    const { log, lines } = recordingLog();
    stand = await H2Stand.start({ log, config: { log: { level: 'info', access: 1 } } });
    const { client, server } = await stand.open();
    client.data(1, '12345');
    await server.until('12345');
    server.send(textFrame('abc'));
    server.socket.end();
    await client.when(() => client.stream(1).ended);
    client.data(1, '', true);
    await eventually(
      () => lines.length,
      (count) => count === 1,
    );
    const { protocol, method, path, outcome, status, requestBytes, answerBytes, end } = lines[0] as Record<
      string,
      unknown
    >;
    assert.deepEqual(
      { protocol, method, path, outcome, status, requestBytes, answerBytes, end },
      {
        protocol: 'h2',
        method: 'GET',
        path: '/ws',
        outcome: 'upgraded',
        status: 200,
        requestBytes: 5,
        answerBytes: 5,
        end: 'upstream_closed',
      },
    );
  });

  test('takes its token from the subprotocols', async () => {
    const token = [{ kind: 'protocol', name: 'bearer' }] as const;
    stand = await H2Stand.start({ routes: [{ ...opening, token }] });
    const client = await stand.dial();
    const offer = `bearer, ${stand.gateway.bearer().slice('Bearer '.length)}`;
    const stream = client.ask(1, connectFields(['sec-websocket-protocol', offer]));
    const head = await accept(await stand.upstream.peer());
    assert.doesNotMatch(head, /bearer|eyJ/);
    await client.when(() => stream.fields !== undefined);
    assert.ok(stream.fields?.includes('sec-websocket-protocol: bearer'));
  });

  test('is refused as one by HTTP/1.1', async () => {
    stand = await H2Stand.start({ routes: [{ ...opening, origins: ['https://app.example'] }] });
    const authorization = ['authorization', stand.gateway.bearer()] as const;
    const without = connectFields(authorization).filter(([name]) => name !== 'sec-websocket-version');
    assert.deepEqual(await refused(connectFields()), [401, 'token_missing']);
    assert.deepEqual(await refused(without), [426, 'upgrade_not_allowed']);
    assert.deepEqual(await refused([...without, ['sec-websocket-version', '8']]), [
      426,
      'upgrade_not_allowed',
    ]);
    assert.deepEqual(await refused(connectFields(authorization, ['sec-websocket-version', '13'])), [
      400,
      'request_malformed',
    ]);
    assert.deepEqual(await refused(connectFields(authorization, ['origin', 'https://evil.example'])), [
      403,
      'origin_not_allowed',
    ]);
    assert.equal(stand.tunnels, 0);
  });

  test('cannot go on without: no route, no upgrade on the route, no upgrade for GET, another protocol', async () => {
    const at = (path: string, methods?: readonly string[]): RouteConfig['match'] => ({
      host: undefined,
      path,
      methods,
    });
    stand = await H2Stand.start({
      routes: [
        { ...opening, name: '/ws', match: at('/ws') },
        { name: '/plain', match: at('/plain') },
        { name: '/public', match: at('/public'), auth: 'none' },
        { ...opening, name: '/post', match: at('/post', ['POST']) },
        { name: '/other', match: at('/other'), upgrade: ['tunnel'] },
      ],
    });
    const of = (path: string, protocol = 'websocket', token = stand.gateway.bearer()): Fields =>
      connectFields(['authorization', token]).map(([name, value]) => [
        name,
        name === ':path' ? path : name === ':protocol' ? protocol : value,
      ]);
    assert.deepEqual(await refused(of('/plain')), [426, 'upgrade_not_allowed']);
    assert.deepEqual(await refused(of('/plain', 'websocket', 'Bearer x.y.z')), [401, 'token_malformed']);
    assert.deepEqual(await refused(of('/public')), [426, 'upgrade_not_allowed']);
    assert.deepEqual(await refused(of('/ws', 'connect-udp')), [426, 'upgrade_not_allowed']);
    assert.deepEqual(await refused(of('/other', 'tunnel')), [426, 'upgrade_not_allowed']);
    assert.deepEqual(await refused(of('/other')), [426, 'upgrade_not_allowed']);
    assert.deepEqual(await refused(of('/post')), [404, 'route_not_found']);
    assert.deepEqual(await refused(of('/else')), [404, 'route_not_found']);
    const sent = of('/ws', 'WebSocket');
    const client = await stand.dial();
    client.ask(1, sent);
    await accept(await stand.upstream.peer());
    await client.when(() => client.stream(1).status === 200);
  });

  test('is not offered where no route opens one, and malformed then', async () => {
    stand = await H2Stand.start({ routes: [{ upgrade: ['tunnel'] }] });
    const client = await stand.dial();
    const stream = client.connect(1, stand.gateway.bearer());
    await client.when(() => stream.reset !== undefined);
    assert.deepEqual([stream.status, stream.reset], [400, errors.protocol]);
  });

  test('is as upstream answers: another response than 2xx is an ordinary one', async () => {
    stand = await H2Stand.start();
    const client = await stand.dial();
    const stream = client.connect(1, stand.gateway.bearer());
    client.data(1, 'early');
    const server = await stand.upstream.peer();
    await server.until('\r\n\r\n');
    server.send('HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone');
    await client.when(() => stream.reset !== undefined);
    // The client's side is still open, and nobody wants the rest of it.
    assert.deepEqual(
      [stream.status, stream.text, stream.ended, stream.reset],
      [404, 'gone', true, errors.none],
    );
    assert.deepEqual(await stand.gateway.outcomes(), { forwarded: 1 });
  });

  for (const [what, response] of [
    ['a 200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a 200 under way', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n'],
    ['a 204', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['the key of another', accepting()],
  ] as const) {
    test(`is refused where upstream answers with ${what}`, async () => {
      stand = await H2Stand.start();
      const client = await stand.dial();
      const stream = client.connect(1, stand.gateway.bearer());
      const server = await stand.upstream.peer();
      await server.until('\r\n\r\n');
      server.send(response);
      await client.when(() => stream.ended);
      assert.equal(stream.status, 502);
      assert.equal(JSON.parse(stream.text).code, 'upstream_invalid_response');
      await server.end();
      assert.deepEqual(await stand.gateway.outcomes(), { upstream_invalid_response: 1 });
      assert.equal(stand.tunnels, 0);
    });
  }

  test('is one of a bounded number', async () => {
    stand = await H2Stand.start({ config: { limits: { tunnels: 1 } } });
    const { client } = await stand.open();
    const stream = client.connect(3, stand.gateway.bearer());
    await client.when(() => stream.ended);
    assert.deepEqual([stream.status, JSON.parse(stream.text).code], [503, 'tunnels_exhausted']);
  });
});
