import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { TlsConfig } from '../../../../src/config/config.ts';
import { Authority } from '../../../support/authority.ts';
import {
  eventually,
  serverOf,
  startGateway,
  type TestGateway,
  testBearer,
} from '../../../support/gateway.ts';
import { Origin } from '../../../support/origin.ts';
import { needs } from '../../../support/programs.ts';
import {
  certificateConfig,
  clientCertificates,
  connectTls,
  exchange,
  tlsConfig,
} from '../../../support/tls.ts';

const root = new Authority('root');
const middle = new Authority('middle', root);
const other = new Authority('other', root);
const first = certificateConfig(root.issue({ cn: 'first', names: ['first.example'] }));
const wild = certificateConfig(root.issue({ cn: 'wild', names: ['*.second.example'] }));
const ec = certificateConfig(middle.issue({ cn: 'ec', names: ['both.example'] }), middle.cert);
const rsa = certificateConfig(other.issue({ cn: 'rsa', names: ['both.example'], type: 'rsa' }), other.cert);
const ip = certificateConfig(root.issue({ cn: 'ip', names: ['127.0.0.1'] }));

const REQUEST = (close = true): string =>
  `GET /x HTTP/1.1\r\nHost: first.example\r\nAuthorization: ${testBearer()}\r\n${close ? 'Connection: close\r\n' : ''}\r\n`;

let origin: Origin;
let gateway: TestGateway;

function listenTo(tls: TlsConfig): Promise<TestGateway> {
  return startGateway({
    upstreamPort: origin.port,
    config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls }] },
  });
}

async function cnOf(port: number, options: object): Promise<string> {
  const socket = await connectTls(port, options);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

function handshakes(of: TestGateway): Record<string, number> {
  return Object.fromEntries(
    Array.from(serverOf(of).handshakes.members, ([result, { value }]) => [result, value]),
  );
}

before(async () => {
  origin = await Origin.start();
  origin.serve((request) => {
    const proto = /x-forwarded-proto: (\S+)/i.exec(request)?.[1] ?? 'none';
    return `HTTP/1.1 200 OK\r\nContent-Length: ${proto.length}\r\n\r\n${proto}`;
  });
  gateway = await listenTo(tlsConfig([first, wild, ec, rsa, ip]));
});
after(async () => {
  await gateway.close();
  await origin.close();
});

describe('a request over TLS', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`is served by ${version}, as https`, async () => {
      const socket = await connectTls(gateway.port, { minVersion: version, maxVersion: version });
      assert.equal(socket.getProtocol(), version);
      const response = await exchange(socket, REQUEST());
      assert.match(response, /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(response, /\r\n\r\nhttps$/);
    });
  }

  test('without a token is refused, and one with keeps its connection', async () => {
    const socket = await connectTls(gateway.port);
    const response = await exchange(
      socket,
      `${REQUEST(false)}GET /y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
    );
    assert.match(response, /^HTTP\/1\.1 200 OK/);
    assert.match(response, /HTTP\/1\.1 401 Unauthorized/);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`ends for upstream too, at once, when its client ends ${version}`, async () => {
      const silent = await Origin.start();
      const own = await startGateway({
        upstreamPort: silent.port,
        config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls: tlsConfig([first]) }] },
      });
      const socket = await connectTls(own.port, { minVersion: version, maxVersion: version });
      socket.write(REQUEST());
      const upstream = await silent.connection();
      await upstream.head();
      socket.end();
      await upstream.closed();
      assert.deepEqual(await own.outcomes(), { client_aborted: 1 });
      await own.close();
      await silent.close();
    });
  }

  test('whose client ends TLS gets a close_notify in return', needs('python3'), async () => {
    // `unwrap` raises an error for an end without one.
    const script = `
import socket, ssl
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with socket.create_connection(('127.0.0.1', ${gateway.port})) as plain:
    with context.wrap_socket(plain) as secure:
        secure.sendall(b'GET /x HTTP/1.1\\r\\nHost: first.example\\r\\n\\r\\n')
        print(secure.recv(12).decode())
        while secure.pending(): secure.recv(4096)
        secure.unwrap()
        print('closed')
`;
    const { stdout } = await promisify(execFile)('python3', ['-c', script]);
    assert.equal(stdout, 'HTTP/1.1 401\nclosed\n');
  });

  test('is read whole at every record boundary', async () => {
    const socket = await connectTls(gateway.port);
    socket.setNoDelay(true);
    const request = REQUEST();
    for (const letter of request.slice(0, -1)) socket.write(letter);
    assert.match(await exchange(socket, request.slice(-1)), /\r\n\r\nhttps$/);
  });

  test('with a body of a mebibyte arrives whole, and so does the response', async () => {
    const size = 1024 * 1024;
    const echo = await Origin.start();
    const own = await startGateway({
      upstreamPort: echo.port,
      config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls: tlsConfig([first]) }] },
    });
    const socket = await connectTls(own.port);
    const body = Buffer.alloc(size, 'abcdefghij').toString('latin1');
    const received = exchange(
      socket,
      `POST / HTTP/1.1\r\nHost: h\r\nAuthorization: ${testBearer()}\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n${body}`,
    );
    const connection = await echo.connection();
    const text = await connection.take((seen) => seen.length > size && seen.endsWith(body));
    assert.ok(text.endsWith(body));
    connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${body}`);
    assert.ok((await received).endsWith(`\r\n\r\n${body}`));
    await own.close();
    await echo.close();
  });
});

describe('the certificate', () => {
  test('is chosen by the name, and by the address without one', async () => {
    for (const [servername, cn] of [
      ['first.example', 'first'],
      ['FIRST.example', 'first'],
      ['x.second.example', 'wild'],
      ['second.example', 'first'],
      ['x.y.second.example', 'first'],
      ['nowhere.example', 'first'],
    ] as const) {
      assert.equal(await cnOf(gateway.port, { servername }), cn, servername);
    }
    // A client that connects to an address names no host (RFC 6066 §3).
    assert.equal(await cnOf(gateway.port, {}), 'ip');
  });

  test('of the type that the client can verify comes with its own chain', async () => {
    for (const [sigalgs, cn, issuer] of [
      ['ecdsa_secp256r1_sha256', 'ec', 'middle'],
      ['rsa_pss_rsae_sha256:rsa_pkcs1_sha256', 'rsa', 'other'],
    ] as const) {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const socket = await connectTls(gateway.port, {
          servername: 'both.example',
          sigalgs: `${sigalgs}:ecdsa_secp256r1_sha256`
            .split(':')
            .slice(0, cn === 'ec' ? 1 : 2)
            .join(':'),
          minVersion: version,
          maxVersion: version,
        });
        const peer = socket.getPeerCertificate(true);
        assert.equal(peer.subject.CN, cn);
        assert.equal(peer.issuerCertificate.subject.CN, issuer);
        socket.destroy();
      }
    }
  });

  test('of an unknown name is refused where the configuration says so', async () => {
    const strict = await listenTo(tlsConfig([first, wild], { unknownName: 'refuse' }));
    await assert.rejects(connectTls(strict.port, { servername: 'nowhere.example' }));
    assert.equal(await cnOf(strict.port, { servername: 'a.second.example' }), 'wild');
    assert.equal(await cnOf(strict.port, {}), 'first');
    assert.equal(handshakes(strict)['unknown_name'], 1);
    await strict.close();
  });
});

describe('a client', () => {
  test('of an older version, or of another protocol, is refused', async () => {
    await assert.rejects(
      connectTls(gateway.port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    );
    const newest = await listenTo(tlsConfig([first], { minVersion: 'TLSv1.3' }));
    await assert.rejects(connectTls(newest.port, { maxVersion: 'TLSv1.2' }));
    (await connectTls(newest.port)).destroy();
    await newest.close();
    await assert.rejects(connectTls(gateway.port, { ALPNProtocols: ['spdy/3'] }));
    const socket = await connectTls(gateway.port, { ALPNProtocols: ['spdy/3', 'http/1.1'] });
    assert.equal(socket.alpnProtocol, 'http/1.1');
    socket.destroy();
  });

  test('that speaks no TLS is cut, and counts as no open connection', async () => {
    const own = await listenTo(tlsConfig([first]));
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: h\r\n\r\n',
      '\x16\x03\x01\xff\xff',
      '\0'.repeat(100),
      'PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n',
    ]) {
      const socket = connectPlain(own.port, '127.0.0.1');
      socket.on('error', () => {});
      const closed = once(socket, 'close');
      let received = '';
      socket.on('data', (data) => {
        received += data.toString('latin1');
      });
      // A record that never comes whole ends with the client's side.
      socket.end(bytes, 'latin1');
      await closed;
      assert.doesNotMatch(received, /HTTP\//);
    }
    await eventually(
      () => serverOf(own).connections.open,
      (open) => open === 0,
    );
    const counts = handshakes(own);
    assert.equal((counts['failed'] ?? 0) + (counts['aborted'] ?? 0), 4);
    await own.close();
  });

  test('resumes its session with a ticket, also at another process that has the key', async () => {
    const tls = tlsConfig([first]);
    const [one, two] = [await listenTo(tls), await listenTo(tls)];
    const keys = Buffer.alloc(48, 7);
    for (const each of [one, two]) serverOf(each).setTicketKeys(keys);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { servername: 'first.example', minVersion: version, maxVersion: version };
      let session: Buffer | undefined;
      const begun = await connectTls(one.port, options, (made) => {
        session = made;
      });
      await exchange(begun, REQUEST());
      assert.ok(session !== undefined);
      const resumed = await connectTls(two.port, { ...options, session });
      assert.equal(resumed.isSessionReused(), true, version);
      assert.match(await exchange(resumed, REQUEST()), /https$/);
      serverOf(two).setTicketKeys(Buffer.alloc(48, 8));
      const fresh = await connectTls(two.port, { ...options, session });
      assert.equal(fresh.isSessionReused(), false);
      fresh.destroy();
      serverOf(two).setTicketKeys(keys);
    }
    assert.equal(handshakes(two)['resumed'], 2);
    await one.close();
    await two.close();
  });
});

describe('a certificate of the client', () => {
  const clients = new Authority('clients');
  const good = clients.issue({ cn: 'good' });
  const revoked = clients.issue({ cn: 'revoked' });
  const expired = clients.issue({ cn: 'expired', dates: ['20200101000000Z', '20210101000000Z'] });
  const foreign = new Authority('elsewhere').issue({ cn: 'foreign' });
  const crl = clients.crl([revoked.serial]);

  async function passes(port: number, options: object): Promise<boolean> {
    let socket: TLSSocket;
    try {
      socket = await connectTls(port, { servername: 'first.example', ...options });
    } catch {
      return false;
    }
    // In TLS 1.3 the client learns of the refusal after its own handshake.
    return (await exchange(socket, REQUEST())).startsWith('HTTP/1.1 200');
  }

  for (const mode of ['required', 'optional'] as const) {
    test(`is checked where it is ${mode}`, async (t) => {
      const own = await listenTo(
        tlsConfig([first], { clientCertificates: clientCertificates(clients.cert, [crl], mode) }),
      );
      t.after(() => own.close());
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const at = { minVersion: version, maxVersion: version };
        assert.equal(await passes(own.port, { ...at, cert: good.cert, key: good.key }), true);
        assert.equal(await passes(own.port, at), mode === 'optional');
        for (const bad of [revoked, expired, foreign]) {
          assert.equal(await passes(own.port, { ...at, cert: bad.cert, key: bad.key }), false);
        }
      }
      const counts = handshakes(own);
      assert.equal(counts['client_certificate'], mode === 'required' ? 8 : 6);
      await eventually(
        () => serverOf(own).connections.open,
        (open) => open === 0,
      );
    });
  }

  test('of each of several authorities is checked by the list of its own', async (t) => {
    const second = new Authority('second');
    const [its, gone] = [second.issue({ cn: 'its' }), second.issue({ cn: 'gone' })];
    const lists = [crl, second.crl([gone.serial])];
    const terms = clientCertificates(clients.cert + second.cert, lists, 'required');
    const own = await listenTo(tlsConfig([first], { clientCertificates: terms }));
    t.after(() => own.close());
    for (const [client, passed] of [
      [good, true],
      [its, true],
      [revoked, false],
      [gone, false],
    ] as const) {
      assert.equal(await passes(own.port, { cert: client.cert, key: client.key }), passed);
    }
  });

  test('is refused where the list of its authority is missing or out of date', async (t) => {
    const old = clients.crl([], ['20200101000000Z', '20210101000000Z']);
    for (const list of [new Authority('second').crl([]), old]) {
      const terms = clientCertificates(clients.cert, [list], 'optional');
      const own = await listenTo(tlsConfig([first], { clientCertificates: terms }));
      t.after(() => own.close());
      assert.equal(await passes(own.port, { cert: good.cert, key: good.key }), false);
    }
  });
});
