import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { Authority } from '../support/authority.ts';
import { eventually } from '../support/gateway.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { certificateConfig, tlsConfig } from '../support/tls.ts';
import { accept } from './h2-peer.ts';
import { H2Stand } from './h2-stand.ts';
import { closing, type Peer, textFrame } from './peers.ts';

/** What has come on a stream, one character for each byte. */
function collect(stream: ClientHttp2Stream): { text: string } {
  const seen = { text: '' };
  stream.setEncoding('latin1');
  stream.on('data', (text: string) => {
    seen.text += text;
  });
  return seen;
}

for (const over of ['plain text', 'TLS'] as const) {
  describe(`node:http2 as a client of WebSockets, over ${over}`, () => {
    let stand: H2Stand;
    let session: ClientHttp2Session;

    before(async () => {
      const issued = new Authority('root').issue({ names: ['a.example'] });
      const tls = tlsConfig([certificateConfig(issued)]);
      const place = { host: '127.0.0.1', port: 0, engine: 'node' } as const;
      const listen = over === 'TLS' ? [{ ...place, tls }] : [{ ...place, protocols: ['h2c'] as const }];
      stand = await H2Stand.start({ config: { listen, revocation } });
      const scheme = over === 'TLS' ? 'https' : 'http';
      session = connect(`${scheme}://127.0.0.1:${stand.gateway.port}`, { rejectUnauthorized: false });
      await once(session, 'remoteSettings');
    });
    after(async () => {
      session.destroy();
      await stand.close();
    });

    async function open(sub: string): Promise<{ stream: ClientHttp2Stream; server: Peer }> {
      const stream = session.request(
        {
          ':method': 'CONNECT',
          ':protocol': 'websocket',
          ':path': '/ws',
          authorization: stand.gateway.bearer({ sub }),
          'sec-websocket-version': '13',
        },
        { endStream: false },
      );
      const server = await stand.upstream.peer();
      await accept(server);
      const [headers] = await once(stream, 'response');
      assert.equal(headers[':status'], 200);
      return { stream, server };
    }

    test('sees the setting', () => {
      assert.equal(session.remoteSettings.enableConnectProtocol, true);
    });

    test('carries a MiB both ways, on ten streams of one connection', async () => {
      const size = 1024 * 1024;
      const opened = [];
      for (let number = 0; number < 10; number += 1) opened.push(await open(`user ${number}`));
      await Promise.all(
        opened.map(async ({ stream, server }, number) => {
          const seen = collect(stream);
          const own = String.fromCharCode(0x61 + number);
          stream.write(own.repeat(size));
          server.send(own.toUpperCase().repeat(size));
          await eventually(
            () => [server.received.length, seen.text.length],
            (lengths) => lengths.every((length) => length === size),
          );
          assert.equal(server.received, own.repeat(size));
          assert.equal(seen.text, own.toUpperCase().repeat(size));
          stream.end();
          await server.end();
          server.socket.end();
          await once(stream, 'close');
          assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
        }),
      );
      await eventually(
        () => stand.tunnels,
        (count) => count === 0,
      );
    });

    test('gets the Close frame of a token that is revoked, and then the end', async () => {
      const { stream, server } = await open('revoked');
      const seen = collect(stream);
      server.send(textFrame('hi'));
      await revoke(stand.gateway.adminPort, { sub: 'revoked' });
      await once(stream, 'end');
      assert.equal(seen.text, textFrame('hi') + closing(1008, 'token_revoked'));
      stream.end();
      await once(stream, 'close');
      assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
      assert.equal(session.destroyed, false);
    });

    test('that resets its stream ends the tunnel, and no other', async () => {
      const { stream, server } = await open('one');
      const { stream: other, server: its } = await open('other');
      stream.close(constants.NGHTTP2_CANCEL);
      await server.end();
      other.write('on');
      await its.until('on');
      other.close();
      await its.end();
    });

    test('gets an ordinary response beside tunnels', async () => {
      const { stream, server } = await open('beside');
      const asked = session.request({ ':path': '/', authorization: stand.gateway.bearer() });
      const seen = collect(asked);
      const plain = await stand.upstream.peer();
      await plain.until('\r\n\r\n');
      plain.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      await once(asked, 'end');
      assert.equal(seen.text, 'ok');
      stream.close();
      await server.end();
    });
  });
}
