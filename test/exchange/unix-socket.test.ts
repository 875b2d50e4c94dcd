import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Config } from '../../src/config/config.ts';
import { createLog } from '../../src/lib/log.ts';
import { testEngine } from '../support/engine.ts';
import { eventually, serverOf, startGateway, type TestGateway } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { Wire, type WireResponse } from '../support/wire.ts';

const run = promisify(execFile);
/** Larger than the kernel's socket buffers and the engine's memory together. */
const LARGE_BYTES = 24 * 1024 * 1024;

let upstream: Server;
let folder: string;
let path: string;
let gateway: TestGateway;
/** Forwarding headers of the last request that reached upstream, as written. */
let seen: readonly string[] = [];
let log: string[] = [];

before(async () => {
  upstream = createServer((request, response) => {
    seen = request.rawHeaders
      .map((text, at, all) => (at % 2 === 0 ? `${text}: ${all[at + 1]}` : ''))
      .filter((line) => line.includes('forwarded'));
    if (request.method === 'GET' && request.url === '/large') response.end(Buffer.alloc(LARGE_BYTES, 'x'));
    else {
      const hash = createHash('sha256');
      request.pipe(hash).once('finish', () => response.end(hash.digest('hex')));
    }
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  path = join(folder, 'http.sock');
});

after(() => {
  upstream.closeAllConnections();
  upstream.close();
  rmSync(folder, { recursive: true });
});

afterEach(async () => {
  await gateway.close();
  assert.deepEqual(readdirSync(folder), []);
});

async function start(config: Partial<Config> = {}): Promise<void> {
  log = [];
  gateway = await startGateway({
    upstreamPort: (upstream.address() as AddressInfo).port,
    routes: [
      { auth: 'none' },
      { name: '/api', match: { host: undefined, path: '/api', methods: undefined } },
    ],
    config: {
      listen: [
        { host: '127.0.0.1', port: 0, engine: testEngine },
        { path, engine: testEngine },
      ],
      log: { level: 'info', access: 1 },
      ...config,
    },
    log: createLog({ level: 'info', destination: { write: (text) => log.push(text) } }),
  });
}

/** One response to a client on the unix socket. */
async function responseTo(lines: readonly string[], target = '/'): Promise<WireResponse> {
  const wire = await Wire.openUnix(path);
  try {
    wire.send(`GET ${target} HTTP/1.1\r\n${['Host: a.example', ...lines].join('\r\n')}\r\n\r\n`);
    return await wire.response();
  } finally {
    wire.close();
  }
}

/** Headers that upstream received, and the client in the access log, for a client on the unix socket that sends these. */
async function toldOf(lines: readonly string[]): Promise<[headers: readonly string[], client: unknown]> {
  log = [];
  assert.equal((await responseTo(lines)).status, 200);
  const clients = log.map((text) => JSON.parse(text) as { client?: string }).filter(({ client }) => client);
  assert.equal(clients.length, 1);
  return [seen, clients[0]?.client];
}

const ours = (list: string, proto = 'http', host = 'a.example'): readonly string[] => [
  `x-forwarded-for: ${list}`,
  `x-forwarded-proto: ${proto}`,
  `x-forwarded-host: ${host}`,
];
const said = ['X-Forwarded-For: 192.0.2.1, 203.0.113.7', 'X-Forwarded-Proto: https', 'X-Real-Ip: 9.9.9.9'];

describe('a client on a unix socket', () => {
  test('is judged as any other', async () => {
    await start();
    assert.deepEqual(gateway.gateway.addresses.listen, [`127.0.0.1:${gateway.port}`, `unix:${path}`]);
    const refused = await responseTo([], '/api');
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer /);
    assert.equal((await responseTo([`Authorization: ${gateway.bearer()}`], '/api')).status, 200);
    const wire = await Wire.openUnix(path);
    for (let at = 0; at < 3; at += 1) {
      wire.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal((await wire.response()).status, 200);
    }
    wire.send(
      'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
    const faulty = await wire.response();
    assert.deepEqual([faulty.status, faulty.closed], [400, true]);
  });

  test('has no address, and is not believed', async () => {
    await start({ trustedProxies: [{ address: '0.0.0.0', family: 'ipv4', prefix: 0 }] });
    assert.deepEqual(await toldOf([]), [ours('unknown'), 'unix']);
    assert.deepEqual(await toldOf(said), [ours('unknown'), 'unix']);
  });

  test('is not believed where no peer is trusted', async () => {
    await start();
    assert.deepEqual(await toldOf(said), [ours('unknown'), 'unix']);
  });

  test('is believed where unix is trusted, and adds nothing to its headers', async () => {
    await start({ trustedProxies: [{ family: 'unix' }] });
    assert.deepEqual(await toldOf(said), [ours('192.0.2.1, 203.0.113.7', 'https'), '203.0.113.7']);
    assert.deepEqual(await toldOf([]), [ours('unknown'), 'unix']);
    assert.deepEqual(await toldOf(['X-Forwarded-For: unix']), [ours('unknown'), 'unix']);
    assert.deepEqual(await toldOf(['X-Forwarded-For: unix, 203.0.113.7, x']), [ours('unknown'), 'unix']);
  });

  test('does not extend its trust to clients on TCP', async () => {
    await start({ trustedProxies: [{ family: 'unix' }] });
    const wires = [await Wire.openUnix(path), await Wire.open(gateway.port)];
    for (const [at, wire] of wires.entries()) {
      wire.send(`GET / HTTP/1.1\r\nHost: a.example\r\n${said.join('\r\n')}\r\n\r\n`);
      await wire.response();
      assert.equal(seen[0], `x-forwarded-for: ${at === 0 ? '192.0.2.1, 203.0.113.7' : '127.0.0.1'}`);
    }
    for (const wire of wires) wire.close();
  });

  test('may be believed beside networks of proxies', async () => {
    await start({
      trustedProxies: [{ family: 'unix' }, { address: '203.0.113.0', family: 'ipv4', prefix: 24 }],
    });
    assert.deepEqual((await toldOf(said))[1], '192.0.2.1');
  });
});

describe('bodies on a unix socket', () => {
  test('pass both ways, larger than all buffers', async () => {
    await start();
    const body = randomBytes(LARGE_BYTES);
    const sent = httpRequest({ socketPath: path, path: '/', method: 'POST', agent: false });
    sent.end(body);
    const [message] = (await once(sent, 'response')) as [IncomingMessage];
    const digest = createHash('sha256').update(body).digest('hex');
    assert.equal(Buffer.concat(await message.toArray()).toString(), digest);
    const asked = httpRequest({ socketPath: path, path: '/large', agent: false }).end();
    const [large] = (await once(asked, 'response')) as [IncomingMessage];
    let bytes = 0;
    for await (const piece of large) {
      bytes += (piece as Buffer).length;
      // A slow reader: the gateway holds back the bytes that it has not taken.
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(bytes, LARGE_BYTES);
  });

  test('of a client that leaves end the exchange', async () => {
    await start();
    const wire = await Wire.openUnix(path);
    wire.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345');
    wire.close();
    await eventually(
      () => gateway.outcomes(),
      (outcomes) => outcomes['client_aborted'] === 1,
    );
  });
});

test('curl reaches a gateway', needs('curl'), async () => {
  await start();
  const url = 'http://a.example/';
  const { stdout } = await run('curl', ['-sS', '--unix-socket', path, '-d', 'abc', url, url]);
  assert.equal(stdout, createHash('sha256').update('abc').digest('hex').repeat(2));
});

test('a unix socket comes and goes with the configuration', async () => {
  await start();
  const { config } = serverOf(gateway);
  const other = join(folder, 'other.sock');
  const wire = await Wire.openUnix(path);
  await gateway.gateway.reload({
    ...config,
    listen: [config.listen[0] ?? { path }, { path: other, engine: testEngine }],
  });
  assert.deepEqual(readdirSync(folder), ['other.sock']);
  wire.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await wire.response()).status, 200);
  wire.close();
  await gateway.gateway.reload(config);
  assert.deepEqual(readdirSync(folder), ['http.sock']);
  assert.equal((await responseTo([])).status, 200);
});
