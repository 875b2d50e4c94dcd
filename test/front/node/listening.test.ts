import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TrafficAddress } from '../../../src/config/config.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { Origin } from '../../support/origin.ts';
import { Wire } from '../../support/wire.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** A gateway at this address; `act` gets its port, 0 for a unix socket. */
async function serving(
  address: TrafficAddress,
  act: (port: number, origin: Origin) => Promise<void>,
  timeouts: { sendMs?: number; bodyMinRate?: number } = {},
): Promise<Record<string, number>> {
  const origin = await Origin.start();
  let gateway: TestGateway | undefined;
  try {
    gateway = await startGateway({
      upstreamPort: origin.port,
      routes: [{ auth: 'none' }],
      config: { listen: [address], timeouts },
    });
    await act(gateway.port, origin);
    return await gateway.outcomes();
  } finally {
    await gateway?.close();
    await origin.close();
  }
}

describe('the front on Node.js sockets', () => {
  test('serves a unix socket, for its user and group alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'socket-'));
    const path = join(folder, 'front.sock');
    const umask = process.umask();
    try {
      await serving({ path, engine: 'node' }, async (_, origin) => {
        origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        assert.equal(statSync(path).mode & 0o777, 0o660);
        assert.equal(process.umask(), umask);
        const wire = await Wire.openUnix(path);
        wire.send(get);
        assert.equal((await wire.response()).status, 200);
        wire.close();
      });
      assert.throws(() => statSync(path), /ENOENT/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('says why an address cannot be bound', async () => {
    await serving({ host: '127.0.0.1', port: 0, engine: 'node' }, async (port) => {
      await assert.rejects(
        serving({ host: '127.0.0.1', port, engine: 'node' }, async () => {}),
        /cannot listen on 127\.0\.0\.1:\d+: the port is taken by another program/,
      );
    });
  });

  test('cuts a client that takes nothing of its response for timeouts.send', async () => {
    const outcomes = await serving(
      { host: '127.0.0.1', port: 0, engine: 'node' },
      async (port, origin) => {
        const wire = await Wire.open(port);
        wire.pauseReading();
        const connection = origin.connection();
        wire.send(get);
        const upstream = await connection;
        await upstream.head();
        upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        const piece = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
        for (let mib = 0; mib < 64; mib += 1) upstream.write(piece);
        await upstream.closed();
        wire.resumeReading();
        assert.doesNotMatch(await wire.untilClosed(), /0\r\n\r\n$/);
        wire.close();
      },
      { sendMs: 1_000 },
    );
    assert.deepEqual(outcomes, { client_aborted: 1 });
  });

  test('cuts a client that owes bytes of a body without a rate for timeouts.send', async () => {
    const outcomes = await serving(
      { host: '127.0.0.1', port: 0, engine: 'node' },
      async (port, origin) => {
        const wire = await Wire.open(port);
        const connection = origin.connection();
        wire.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc');
        const upstream = await connection;
        await upstream.closed();
        assert.equal(await wire.untilClosed(), '');
      },
      { sendMs: 1_000, bodyMinRate: 0 },
    );
    assert.deepEqual(outcomes, { client_aborted: 1 });
  });
});
