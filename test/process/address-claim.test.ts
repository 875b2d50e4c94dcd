import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type ListenOptions, type Server } from 'node:net';
import { describe, test } from 'node:test';
import { loadEngine } from '../../src/front/uws/engine.ts';
import { StartError } from '../../src/lib/start-error.ts';
import { assertShareable, claimAddresses } from '../../src/process/address-claim.ts';

const [major = 0] = process.versions.node.split('.').map(Number);

const alone = { share: false };
const shared = { share: true };
const local = (port: number) => ({ host: '127.0.0.1', port });

/** Listens as another gateway does that shares its port. Node.js 20 has no way to that of its own. */
async function listenSharing(port: number): Promise<() => void> {
  if (major < 22) return listenByUws(port);
  const server = createServer();
  server.listen({ host: '127.0.0.1', port, reusePort: true } as ListenOptions);
  await once(server, 'listening');
  return () => server.close();
}

function listenByUws(port: number): Promise<() => void> {
  const engine = loadEngine(16_384);
  return new Promise((resolve, reject) => {
    engine.App().listen('127.0.0.1', port, 0, (token) => {
      if (token === false || token === undefined) reject(new Error('not listening'));
      else resolve(() => engine.us_listen_socket_close(token));
    });
  });
}

async function freePort(): Promise<number> {
  const [address] = await claimAddresses([local(0)], alone);
  assert.ok(address !== undefined && 'port' in address);
  return address.port;
}

function listening(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, () => resolve(server));
  });
}

const refusal = (text: string) => (error: unknown) => {
  assert.ok(error instanceof StartError, String(error));
  assert.equal(error.message, `cannot listen on ${text}`);
  return true;
};
const TAKEN =
  'the port is taken by another program; stop it (`ss -ltnp` shows which it is) or choose another address; --share-port is only for a second portcullis that is to serve beside the first';

describe('an address that engine node serves', () => {
  const ours = { ...local(80), engine: 'node' } as const;
  const prior = { ...local(81), protocols: ['h2c', 'http/1.1'] } as const;
  const old = '20.20.2';

  test('is refused at once where Node.js cannot share its port', () => {
    const sentence = `processes share a port by engine node from Node.js 22.12 on, and this is ${old}; use such a version`;
    assert.throws(
      () => assertShareable([local(79), ours], old),
      refusal(`127.0.0.1:80: ${sentence}, or engine: uws`),
    );
    assert.throws(() => assertShareable([prior], old), refusal(`127.0.0.1:81: ${sentence}`));
    for (const version of ['22.11.0', '23.0.0'])
      assert.throws(() => assertShareable([ours], version), StartError, version);
  });

  test('is accepted where it can, as is a unix socket, and an address of the other engine', () => {
    for (const version of ['22.12.0', '23.1.0', '24.0.0', '26.1.0']) assertShareable([ours, prior], version);
    assertShareable(
      [{ path: '/run/x.sock', engine: 'node' }, { ...local(80), engine: 'uws' }, local(81)],
      old,
    );
  });
});

describe('claiming addresses', () => {
  test('returns the free ones unchanged, and leaves no socket listening there', async () => {
    const addresses = [local(await freePort()), { path: '/run/x.sock' }];
    assert.deepEqual(await claimAddresses(addresses, alone), addresses);
    const { port } = addresses[0] as { port: number };
    const client = connect(port, '127.0.0.1');
    const [error] = await new Promise<NodeJS.ErrnoException[]>((resolve) =>
      client.once('error', (...args) => resolve(args)),
    );
    assert.equal(error?.code, 'ECONNREFUSED');
  });

  test('gives each that leaves the port to the system its own port, in their order', async () => {
    const claimed = await claimAddresses([local(0), { host: '0.0.0.0', port: 0 }, local(0)], alone);
    const ports = claimed.map((address) => ('port' in address ? address.port : 0));
    assert.deepEqual(
      claimed.map((address) => 'host' in address && address.host),
      ['127.0.0.1', '0.0.0.0', '127.0.0.1'],
    );
    assert.equal(new Set(ports).size, 3);
    assert.ok(ports.every((port) => port > 0));
    await claimAddresses(claimed, alone); // None is held any longer.
  });

  test('is refused where another process listens', async () => {
    const server = await listening(0);
    const { port } = server.address() as AddressInfo;
    try {
      await assert.rejects(claimAddresses([local(port)], alone), refusal(`127.0.0.1:${port}: ${TAKEN}`));
      await assert.rejects(
        claimAddresses([{ host: '0.0.0.0', port }], alone),
        refusal(`0.0.0.0:${port}: ${TAKEN}`),
      );
    } finally {
      server.close();
    }
  });

  test('is refused where another gateway shares its port, unless sharing is configured', async () => {
    const port = await freePort();
    const stop = await listenSharing(port);
    try {
      await assert.rejects(claimAddresses([local(port)], alone), refusal(`127.0.0.1:${port}: ${TAKEN}`));
      assert.deepEqual(await claimAddresses([local(port)], shared), [local(port)]);
    } finally {
      stop();
    }
    assert.deepEqual(await claimAddresses([local(port)], alone), [local(port)]);
  });

  test('of one address releases the rest when it is refused', async () => {
    const server = await listening(0);
    const { port } = server.address() as AddressInfo;
    const free = await freePort();
    try {
      await assert.rejects(claimAddresses([local(free), local(port)], alone), StartError);
      await claimAddresses([local(free)], alone);
    } finally {
      server.close();
    }
  });

  test('distinguishes a foreign address from an unknown name, also where ports are shared', async () => {
    for (const options of [alone, shared]) {
      for (const port of [0, 8080]) {
        await assert.rejects(
          claimAddresses([{ host: '192.0.2.1', port }], options),
          refusal(`192.0.2.1:${port}: it is not an address of this machine; choose one that is`),
        );
      }
      await assert.rejects(
        claimAddresses([{ host: 'gateway.invalid', port: 0 }], options),
        refusal('gateway.invalid:0: it is not a known host name; choose an address of this machine'),
      );
    }
  });

  test('gives both families one port', async () => {
    const port = await freePort();
    const addresses = [
      { host: '0.0.0.0', port },
      { host: '::', port },
    ];
    assert.deepEqual(await claimAddresses(addresses, alone), addresses);
  });
});
