import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { Authority } from '../../support/authority.ts';
import { eventually, startGateway, type TestGateway } from '../../support/gateway.ts';
import { type TlsOrigin, tlsOrigin, upstreamTls } from '../../support/upstream-tls.ts';
import { Wire } from '../../support/wire.ts';

const MIB = 1024 * 1024;
const SIZE = 100 * MIB;
/** Bytes that the kernel, the gateway and a paused peer hold together, at most. */
const HELD = 48 * MIB;
const authority = new Authority('upstream');
const good = authority.issue({ names: ['127.0.0.1'] });
const piece = randomBytes(64 * 1024);

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function gatewayTo(
  carry: (socket: TLSSocket) => void,
  options: TlsOptions = {},
): Promise<{ origin: TlsOrigin; gateway: TestGateway }> {
  const origin = await tlsOrigin({ ...good, ...options }, carry);
  open.push(() => origin.close());
  const gateway = await startGateway({
    routes: [{ auth: 'none' }],
    upstreamPort: origin.port,
    upstreamTls: upstreamTls(authority.cert),
  });
  open.push(() => gateway.close());
  return { origin, gateway };
}

/** Writes SIZE bytes, as fast as they are taken. `written` counts them. */
function pump(socket: Socket, count: { written: number }): void {
  const go = (): void => {
    while (count.written < SIZE) {
      count.written += piece.length;
      if (!socket.write(piece)) {
        socket.once('drain', go);
        return;
      }
    }
  };
  go();
}

const expected = createHash('sha256');
for (let at = 0; at < SIZE; at += piece.length) expected.update(piece);
const digest = expected.digest('hex');

/** Resolves when the count has not grown between two looks. */
async function stalls(count: { written: number }): Promise<void> {
  let before = -1;
  await eventually(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const same = count.written === before;
      before = count.written;
      return same;
    },
    (same) => same && count.written > 0,
  );
}

describe('bodies of 100 MiB over TLS', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`a response waits for its client, and arrives whole, ${version}`, async () => {
      const count = { written: 0 };
      const { gateway } = await gatewayTo(
        (socket) => {
          socket.once('data', () => {
            socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
            pump(socket, count);
          });
        },
        { minVersion: version, maxVersion: version },
      );
      const client = connect(gateway.port, '127.0.0.1');
      open.push(async () => {
        client.destroy();
      });
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await stalls(count);
      assert.ok(count.written < HELD, String(count.written));
      const hash = createHash('sha256');
      let left = SIZE;
      let head = '';
      client.on('data', (bytes) => {
        let body = bytes;
        if (!head.includes('\r\n\r\n')) {
          const text = head + bytes.toString('latin1');
          const end = text.indexOf('\r\n\r\n');
          body = end < 0 ? bytes.subarray(bytes.length) : bytes.subarray(end + 4 - head.length);
          head = text;
        }
        hash.update(body);
        left -= body.length;
        if (left <= 0) client.destroy();
      });
      await once(client, 'close');
      assert.equal(left, 0);
      assert.equal(hash.digest('hex'), digest);
    });

    test(`an upload waits for its server, and arrives whole, ${version}`, async () => {
      const hash = createHash('sha256');
      let left = SIZE;
      let server: TLSSocket | undefined;
      const { gateway } = await gatewayTo(
        (socket) => {
          server = socket;
          let begun = false;
          socket.on('data', (bytes) => {
            const from = begun ? 0 : bytes.indexOf('\r\n\r\n') + 4;
            if (!begun) socket.pause();
            begun = true;
            const body = bytes.subarray(from);
            hash.update(body);
            left -= body.length;
            if (left === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
          });
        },
        { minVersion: version, maxVersion: version },
      );
      const client = connect(gateway.port, '127.0.0.1');
      open.push(async () => {
        client.destroy();
      });
      const count = { written: 0 };
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n`);
      await eventually(
        () => server,
        (seen) => seen !== undefined,
      );
      pump(client, count);
      await stalls(count);
      assert.ok(count.written < HELD, String(count.written));
      server?.resume();
      const [response] = (await once(client, 'data')) as [Buffer];
      assert.match(response.toString('latin1'), /^HTTP\/1\.1 200 /);
      assert.equal(hash.digest('hex'), digest);
    });
  }
});

describe('a response that comes before the end of an upload', () => {
  const early = 'HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large';

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`arrives although the server closes with bytes unread, ${version}`, async () => {
      const { gateway } = await gatewayTo(
        (socket) => {
          socket.once('data', () => {
            socket.pause();
            socket.end(early);
            // The bytes that it has not read make the kernel reset the connection.
            socket.once('finish', () => socket.destroy());
          });
        },
        { minVersion: version, maxVersion: version },
      );
      for (let count = 0; count < 20; count += 1) {
        const wire = await Wire.open(gateway.port);
        wire.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${8 * MIB}\r\n\r\n${'x'.repeat(4 * MIB)}`);
        const { status, body } = await wire.response();
        assert.deepEqual([status, body], [413, 'too large']);
        wire.close();
      }
    });
  }

  test('lets the upload go on where the server reads on', async () => {
    let received = 0;
    const { gateway } = await gatewayTo((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
      socket.on('data', (bytes) => {
        received += bytes.length;
      });
    });
    const wire = await Wire.open(gateway.port);
    wire.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${MIB}\r\n\r\nx`);
    assert.equal((await wire.response()).body, 'ok');
    wire.send('x'.repeat(MIB - 1));
    await eventually(
      () => received,
      (seen) => seen > MIB,
    );
    wire.close();
  });
});
