import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import { TlsClient } from '../../../src/upstream/tls-client.ts';
import { Authority } from '../../support/authority.ts';
import { HeldClock } from '../../support/held-clock.ts';
import { answer, type TlsOrigin, tlsOrigin, upstreamTls } from '../../support/upstream-tls.ts';

const authority = new Authority('upstream');
const good = authority.issue({ names: ['127.0.0.1'] });
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** Makes a connection and a request on it, after which the sessions of the server have come, and closes it. */
async function visit(client: TlsClient, port: number): Promise<void> {
  const socket = client.connect({ host: '127.0.0.1', port }, 'http/1.1');
  await once(socket, 'secureConnect');
  socket.write(GET);
  await once(socket, 'data');
  socket.destroy();
  await once(socket, 'close');
}

const open: TlsOrigin[] = [];
afterEach(async () => {
  for (const origin of open.splice(0)) await origin.close();
});

async function originWith(options: TlsOptions): Promise<TlsOrigin> {
  const origin = await tlsOrigin(options, answer);
  open.push(origin);
  return origin;
}

describe('sessions of a server', () => {
  test('are resumed, TLS 1.2', async () => {
    const origin = await originWith({ ...good, maxVersion: 'TLSv1.2' });
    const client = new TlsClient(upstreamTls(authority.cert), '127.0.0.1');
    for (let count = 0; count < 4; count += 1) await visit(client, origin.port);
    assert.deepEqual(origin.resumed, [false, true, true, true]);
  });

  test('are resumed, TLS 1.3, each once', async () => {
    const origin = await originWith({ ...good, minVersion: 'TLSv1.3' });
    const client = new TlsClient(upstreamTls(authority.cert), '127.0.0.1');
    // A server of Node.js sends two sessions after a full handshake, and none after another one.
    for (let count = 0; count < 5; count += 1) await visit(client, origin.port);
    assert.deepEqual(origin.resumed, [false, true, true, false, true]);
  });

  test('are not taken from a server whose certificate was refused', async () => {
    const wrong = authority.issue({ names: ['elsewhere'] });
    const origin = await originWith({ ...wrong, maxVersion: 'TLSv1.2' });
    const client = new TlsClient(upstreamTls(authority.cert), '127.0.0.1');
    for (let count = 0; count < 3; count += 1) {
      const socket = client.connect({ host: '127.0.0.1', port: origin.port }, 'http/1.1');
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
    }
    assert.ok(!origin.resumed.includes(true));
  });

  test('are forgotten when a handshake with one fails', async () => {
    const origin = await originWith({ ...good, maxVersion: 'TLSv1.2' });
    const client = new TlsClient(upstreamTls(authority.cert), '127.0.0.1');
    await visit(client, origin.port);
    const cut = client.connect({ host: '127.0.0.1', port: origin.port }, 'http/1.1');
    cut.destroy();
    await once(cut, 'close');
    await visit(client, origin.port);
    assert.equal(origin.resumed.at(-1), false);
  });

  test('end ten minutes after the check of the certificate, also those that came by resumption', async () => {
    const origin = await originWith({ ...good, maxVersion: 'TLSv1.2' });
    const client = new TlsClient(upstreamTls(authority.cert), '127.0.0.1');
    const clock = new HeldClock();
    try {
      for (let count = 0; count < 5; count += 1) {
        await visit(client, origin.port);
        clock.pass(4 * 60_000);
      }
    } finally {
      clock.release();
    }
    assert.deepEqual(origin.resumed, [false, true, true, false, true]);
  });
});
