import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Config, TrafficAddress } from '../../../src/config/config.ts';
import type { Log } from '../../../src/lib/log.ts';
import { eventually, silentLog, startGateway, sums, type TestGateway } from '../../support/gateway.ts';
import { startHaproxy } from '../../support/haproxy.ts';
import { Origin } from '../../support/origin.ts';
import { needs } from '../../support/programs.ts';
import { binaryHeader, ipv4Addresses, withChecksum } from '../../support/proxy-header.ts';
import { request, Wire } from '../../support/wire.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const LINE = 'PROXY TCP4 192.0.2.7 192.0.2.9 56324 443\r\n';
const loopback = { family: 'ipv4', address: '127.0.0.1', prefix: 32 } as const;
const proxies = { family: 'ipv4', address: '198.51.100.0', prefix: 24 } as const;

const required: TrafficAddress = { host: '127.0.0.1', port: 0, proxyProtocol: 'required' };
let origin: Origin;
let gateway: TestGateway;
const lines: { readonly message: string; readonly fields: object }[] = [];
const log: Log = { ...silentLog, warn: (fields, message) => lines.push({ message, fields }) };

function start(config: Partial<Config>): Promise<TestGateway> {
  return startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    log,
    config: {
      listen: [required],
      trustedProxies: [loopback, proxies],
      timeouts: { requestHeadMs: 1_000 },
      ...config,
    } as Config,
  });
}

async function refused(of: TestGateway): Promise<Record<string, number>> {
  const { body } = await request(
    of.adminPort,
    'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  );
  return sums(body, 'portcullis_proxy_headers_refused_total', 'reason');
}

before(async () => {
  origin = await Origin.start();
  // Upstream knows the client by X-Forwarded-For alone, and what it has reached by Host.
  origin.serve((head) => {
    const name = head.startsWith('GET /host ') ? 'host' : 'x-forwarded-for';
    const body = new RegExp(`^${name}: (.*)\\r$`, 'im').exec(head)?.[1] ?? 'none';
    return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  gateway = await start({});
});

after(async () => {
  await gateway.close();
  await origin.close();
});

/** X-Forwarded-For upstream, for the first request of a connection that begins with `header`. */
async function seen(header: string, head = GET, of: TestGateway = gateway): Promise<string> {
  return (await request(of.port, header + head)).body;
}

describe('an address that demands the PROXY protocol', () => {
  test('takes the client that the header names, in both versions', async () => {
    const ipv4 = ipv4Addresses([192, 0, 2, 8], [192, 0, 2, 9], 1, 443);
    assert.equal(await seen(LINE), '192.0.2.7');
    assert.equal(await seen(binaryHeader(0x21, 0x11, ipv4).toString('latin1')), '192.0.2.8');
    assert.equal(await seen(withChecksum(0x21, 0x11, ipv4).toString('latin1')), '192.0.2.8');
  });

  test('takes the proxy itself for LOCAL, and believes what it forwards', async () => {
    const local = binaryHeader(0x20, 0x00, Buffer.alloc(0)).toString('latin1');
    assert.equal(await seen(local), '127.0.0.1');
    const forwarded = GET.replace('\r\n\r\n', '\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n');
    assert.equal(await seen(local, forwarded), '203.0.113.5, 127.0.0.1');
  });

  test('believes the fields of a client that the header names only if that client is a trusted proxy', async () => {
    const forwarded = GET.replace('\r\n\r\n', '\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n');
    assert.equal(await seen(LINE, forwarded), '192.0.2.7');
    const trusted = 'PROXY TCP4 198.51.100.3 192.0.2.9 1 443\r\n';
    assert.equal(await seen(trusted, forwarded), '203.0.113.5, 198.51.100.3');
    // A client that the proxy does not know is nobody's proxy, although the connection comes from a trusted one.
    assert.equal(await seen('PROXY UNKNOWN\r\n', forwarded), 'unknown');
    const unix = binaryHeader(0x21, 0x31, Buffer.alloc(216)).toString('latin1');
    assert.equal(await seen(unix, forwarded), 'unknown');
  });

  test('gives HTTP/1.0 without Host the address that the client has reached', async () => {
    assert.equal(await seen(LINE, 'GET /host HTTP/1.0\r\n\r\n'), '192.0.2.9:443');
  });

  test('reads the header once, whatever its pieces, and serves what follows', async () => {
    const wire = await Wire.open(gateway.port);
    for (const character of LINE) {
      wire.send(character);
      await new Promise((done) => setImmediate(done));
    }
    wire.send(GET + GET);
    for (let count = 0; count < 2; count += 1) assert.equal((await wire.response()).body, '192.0.2.7');
    // A second header is no request.
    wire.send(LINE + GET);
    assert.equal((await wire.response()).status, 400);
    await wire.untilClosed();
  });

  test('closes without a byte what begins in another way, and says so', async () => {
    const before = (await refused(gateway))['malformed'] ?? 0;
    const ipv4 = ipv4Addresses([192, 0, 2, 8], [192, 0, 2, 9], 1, 443);
    const broken = withChecksum(0x21, 0x11, ipv4);
    broken.writeUInt8(9, 16);
    const rows = [
      GET,
      '\x16\x03\x01\x02\x00',
      'PRI * HTTP/2.0\r\n\r\n',
      'PROXY TCP4 a b 1 2\r\n',
      broken.toString('latin1'),
    ];
    for (const bytes of rows) {
      const wire = await Wire.open(gateway.port);
      wire.send(bytes);
      assert.equal(await wire.untilClosed(), '', JSON.stringify(bytes));
    }
    // A header that the client cuts short.
    const cut = await Wire.open(gateway.port);
    cut.send('PROXY TCP4');
    cut.end();
    assert.equal(await cut.untilClosed(), '');
    await eventually(
      () => refused(gateway),
      (counts) => counts['malformed'] === before + rows.length + 1,
    );
    assert.ok(lines.some(({ fields }) => 'why' in fields && fields.why === 'malformed'));
    assert.equal(await seen(LINE), '192.0.2.7');
  });

  test('does not count a balancer that only looks whether the port is open', async () => {
    const before = await refused(gateway);
    const wire = await Wire.open(gateway.port);
    wire.end();
    assert.equal(await wire.untilClosed(), '');
    assert.deepEqual(await refused(gateway), before);
  });

  test('closes a connection whose header does not come in time', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send('PROXY ');
    assert.equal(await wire.untilClosed(), '');
    assert.equal((await refused(gateway))['timed_out'], 1);
  });

  test('closes connections of peers that are no trusted proxy before it reads', async () => {
    const other = await start({ trustedProxies: [proxies] });
    try {
      const wire = await Wire.open(other.port);
      wire.send(LINE + GET);
      assert.equal(await wire.untilClosed().catch(() => ''), '');
      await eventually(
        () => refused(other),
        (counts) => counts['untrusted'] === 1,
      );
      assert.equal(other.gateway.servers.server.connections.open, 0);
    } finally {
      await other.close();
    }
  });

  test('takes headers on unix sockets where `unix` is trusted, and no client for such a peer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-proxied-'));
    const path = join(folder, 's.sock');
    const other = await start({
      listen: [{ path, proxyProtocol: 'required' }],
      trustedProxies: [{ family: 'unix' }],
    });
    try {
      const forwarded = GET.replace('\r\n\r\n', '\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n');
      for (const [header, wanted] of [
        [LINE, '192.0.2.7'],
        ['PROXY UNKNOWN\r\n', 'unknown'],
        [binaryHeader(0x21, 0x31, Buffer.alloc(216)).toString('latin1'), 'unknown'],
        [binaryHeader(0x20, 0x00, Buffer.alloc(0)).toString('latin1'), '203.0.113.5'],
      ] as const) {
        const wire = await Wire.openUnix(path);
        wire.send(header + forwarded);
        assert.equal((await wire.response()).body, wanted);
        wire.close();
      }
    } finally {
      await other.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('leaves the addresses beside it as they are', async () => {
    const other = await start({ listen: [{ host: '127.0.0.1', port: 0, engine: 'node' }] });
    try {
      assert.equal((await request(other.port, LINE + GET)).status, 400);
      assert.equal(await seen('', GET, other), '127.0.0.1');
    } finally {
      await other.close();
    }
  });
});

describe('programs that speak the PROXY protocol', () => {
  for (const option of ['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c,unique-id']) {
    test(`HAProxy with ${option}`, needs('haproxy'), async () => {
      const haproxy = await startHaproxy({ upstreamPort: gateway.port, server: option });
      try {
        const wire = await Wire.open(haproxy.port, '127.0.0.1', '127.0.0.3');
        wire.send(GET);
        assert.equal((await wire.response()).body, '127.0.0.3');
        wire.close();
      } finally {
        await haproxy.close();
      }
    });
  }

  test('curl --haproxy-protocol', needs('curl'), async () => {
    const url = `http://127.0.0.1:${gateway.port}/x`;
    const run = promisify(execFile);
    const { stdout } = await run('curl', ['-sS', '--haproxy-protocol', url]);
    assert.equal(stdout, '127.0.0.1');
  });
});
