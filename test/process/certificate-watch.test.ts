import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { Config, TlsConfig } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load.ts';
import { renewCertificates } from '../../src/config/renew.ts';
import type { Log } from '../../src/lib/log.ts';
import { StartError } from '../../src/lib/start-error.ts';
import { CertificateWatch } from '../../src/process/certificate-watch.ts';
import { Authority, type Issued } from '../support/authority.ts';
import { eventually, silentLog, startGateway, type TestGateway, testBearer } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { connectTls } from '../support/tls.ts';
import { request } from '../support/wire.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-watch-'));
after(() => rmSync(folder, { recursive: true }));
const root = new Authority('root');
const clients = new Authority('clients');
const pair = (cn: string, dates?: readonly [string, string]): Issued =>
  root.issue({ cn, names: ['a.example'], ...(dates && { dates }) });

let origin: Origin;
before(async () => {
  origin = await Origin.start();
  origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
});
after(() => origin.close());

/** The TLS of an address as the file has it. */
function read(terms: string): TlsConfig {
  const text = `listen: { address: 127.0.0.1:0, tls: ${terms} }\nauth: none\nupstream: http://h:1\n`;
  const result = parseConfig({ text, file: 'f', folder, env: {}, cores: 1 });
  assert.ok(result.ok, JSON.stringify(result));
  return result.config.listen[0]?.tls as TlsConfig;
}

function textLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (fields: object, message: string): void =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { log: { ...silentLog, info: keep, error: keep }, lines };
}

interface Stand {
  readonly gateway: TestGateway;
  readonly lines: readonly string[];
  /** The common name of the certificate that a new connection gets, once it is this one. */
  serves(cn: string): Promise<void>;
  /** `configuration.lastReload` of `/status`. */
  lastReload(): Promise<{ ok: boolean; faults: string[] } | null>;
  /** `cache` of `/status`. */
  cache(): Promise<{ entries: number; hits: number; misses: number }>;
  close(): Promise<void>;
}

async function watched(tls: TlsConfig): Promise<Stand> {
  const { log, lines } = textLog();
  const gateway = await startGateway({
    upstreamPort: origin.port,
    config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls }] },
  });
  let reads = 0;
  const watch = new CertificateWatch({
    gateway: gateway.gateway,
    log,
    lookMs: 20,
    read: async (listen) => {
      reads += 1;
      return renewCertificates(listen);
    },
  });
  watch.start();
  // Files that are younger than the watch are read once more.
  await eventually(
    () => reads,
    (count) => count > 0,
  );
  const cnNow = async (): Promise<string> => {
    const socket = await connectTls(gateway.port);
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  };
  const status = async () => {
    const { body } = await request(
      gateway.adminPort,
      'GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    return JSON.parse(body);
  };
  return {
    gateway,
    lines,
    serves: async (cn) => void (await eventually(cnNow, (seen) => seen === cn)),
    lastReload: async () => (await status()).configuration.lastReload,
    cache: async () => (await status()).cache,
    close: async () => {
      watch.stop();
      await gateway.close();
    },
  };
}

/** Sends a request on an open connection; resolves when its response has come. */
async function get(socket: TLSSocket, authorization: string): Promise<void> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`);
  await eventually(
    () => text,
    (seen) => seen.endsWith('ok'),
  );
}

const count = (lines: readonly string[], pattern: RegExp): number =>
  lines.filter((line) => pattern.test(line)).length;

describe('a pair of files that has changed', () => {
  test('is served to new connections, and open ones go on', async (t) => {
    const [one, two] = [pair('one'), pair('two')];
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('plain.pem'), one.cert);
    writeFileSync(at('plain.key'), one.key);
    const stand = await watched(read('{ certificates: { cert: plain.pem, key: plain.key } }'));
    t.after(() => stand.close());
    await stand.serves('one');
    const open = await connectTls(stand.gateway.port);
    writeFileSync(at('new.pem'), two.cert);
    renameSync(at('new.pem'), at('plain.pem'));
    writeFileSync(at('plain.key'), two.key);
    await stand.serves('two');
    await get(open, testBearer());
    open.destroy();
    assert.match(stand.lines.join('\n'), /the certificate a\.example of 127\.0\.0\.1:0/);
    assert.equal((await stand.lastReload())?.ok, true);
  });

  test('costs no verified token and no upstream connection', async (t) => {
    const [one, two] = [pair('one'), pair('two')];
    const file = join(folder, 'kept.pem');
    writeFileSync(file, one.cert + one.key);
    const stand = await watched(read('{ certificates: kept.pem }'));
    t.after(() => stand.close());
    const bearer = testBearer();
    const [before, after] = [await connectTls(stand.gateway.port), await connectTls(stand.gateway.port)];
    t.after(() => [before, after].map((socket) => socket.destroy()));
    const dialled = origin.accepted;
    await get(before, bearer);
    writeFileSync(file, two.cert + two.key);
    await stand.serves('two');
    await get(after, bearer);
    assert.deepEqual(await stand.cache(), { entries: 1, hits: 1, misses: 1 });
    assert.equal(origin.accepted, dialled + 1);
  });

  test('that cannot serve leaves the old one in force, is told once, and does not keep another from being renewed', async (t) => {
    const [one, other, next] = [pair('one'), root.issue({ cn: 'b1', names: ['b.example'] }), pair('next')];
    const renewed = root.issue({ cn: 'b2', names: ['b.example'] });
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('a.pem'), one.cert + one.key);
    writeFileSync(at('b.pem'), other.cert + other.key);
    const stand = await watched(read('{ certificates: [a.pem, b.pem] }'));
    t.after(() => stand.close());
    for (const [bad, why] of [
      [next.cert + one.key, /a\.pem holds a certificate for another key/],
      [one.cert, /a\.pem holds no private key/],
      ['', /a\.pem holds no private key/],
      [
        ((expired) => expired.cert + expired.key)(pair('expired', ['20200101000000Z', '20210101000000Z'])),
        /a\.pem has expired at 2021-01-01T00:00:00\.000Z/,
      ],
    ] as const) {
      writeFileSync(at('a.pem'), bad);
      const reload = await eventually(
        () => stand.lastReload(),
        (seen) => seen?.ok === false && why.test(seen.faults.join()),
      );
      assert.equal(reload?.faults.length, 1);
      await stand.serves('one');
    }
    rmSync(at('a.pem'));
    await eventually(
      () => stand.lines.join('\n'),
      (seen) => /a\.pem does not exist/.test(seen),
    );
    writeFileSync(at('b.pem'), renewed.cert + renewed.key);
    await eventually(
      () => stand.lines.join('\n'),
      (seen) => /the certificate b\.example/.test(seen),
    );
    const socket = await connectTls(stand.gateway.port, { servername: 'b.example' });
    assert.equal(socket.getPeerCertificate().subject.CN, 'b2');
    socket.destroy();
    await stand.serves('one');
    // What is in force is in the file again: the fault is over.
    writeFileSync(at('a.pem'), one.cert + one.key);
    await eventually(
      () => stand.lastReload(),
      (seen) => seen?.ok === true,
    );
    writeFileSync(at('a.pem'), next.cert + next.key);
    await stand.serves('next');
    for (const why of [/for another key/, /has expired/]) assert.equal(count(stand.lines, why), 1);
  });

  test('behind links is seen when a link on the way changes, as certbot and Kubernetes do it', async (t) => {
    const at = (...names: string[]): string => join(folder, 'linked', ...names);
    for (const [name, { cert, key }] of [
      ['first', pair('first')],
      ['second', pair('second')],
      ['third', pair('third')],
    ] as const) {
      mkdirSync(at(name), { recursive: true });
      writeFileSync(at(name, 'tls.crt'), cert);
      writeFileSync(at(name, 'tls.key'), key);
    }
    symlinkSync('first', at('..data'));
    symlinkSync('..data/tls.crt', at('tls.crt'));
    symlinkSync('..data/tls.key', at('tls.key'));
    const stand = await watched(read('{ certificates: { cert: linked/tls.crt, key: linked/tls.key } }'));
    t.after(() => stand.close());
    await stand.serves('first');
    symlinkSync('second', at('..data_tmp'));
    renameSync(at('..data_tmp'), at('..data'));
    await stand.serves('second');
    for (const name of ['tls.crt', 'tls.key']) {
      symlinkSync(join('third', name), at(`${name}.new`));
      renameSync(at(`${name}.new`), at(name));
    }
    await stand.serves('third');
  });
});

test('a new list of revoked certificates is in force without a signal, and a broken one is not', async (t) => {
  const client = clients.issue({ cn: 'client' });
  const site = pair('site');
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('site.pem'), site.cert + site.key);
  writeFileSync(at('clients.pem'), clients.cert);
  writeFileSync(at('clients.crl'), clients.crl([]));
  const stand = await watched(
    read('{ certificates: site.pem, clientCertificates: { ca: clients.pem, crl: clients.crl } }'),
  );
  t.after(() => stand.close());
  const passes = async (): Promise<boolean> => {
    const socket = await connectTls(stand.gateway.port, {
      cert: client.cert,
      key: client.key,
      maxVersion: 'TLSv1.2',
    }).catch(() => undefined);
    const closed = socket && new Promise((done) => socket.once('close', done));
    let text = '';
    socket?.on('data', (chunk) => {
      text += chunk;
    });
    socket?.write(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${testBearer()}\r\nConnection: close\r\n\r\n`);
    await closed;
    return text.includes(' 200 ');
  };
  assert.equal(await passes(), true);
  writeFileSync(at('clients.crl'), clients.crl([client.serial]));
  await eventually(passes, (seen) => !seen);
  writeFileSync(at('clients.crl'), 'nothing');
  await eventually(
    () => stand.lines.join('\n'),
    (seen) => /clients\.crl holds no list/.test(seen),
  );
  assert.equal(await passes(), false);
  writeFileSync(at('clients.crl'), clients.crl([]));
  await eventually(passes, (seen) => seen);
});

test('files that cannot be read in time are told of, and not read again at once', async () => {
  const { log, lines } = textLog();
  const site = pair('site');
  writeFileSync(join(folder, 'slow.pem'), site.cert + site.key);
  const listen = [{ host: 'h', port: 1, tls: read('{ certificates: slow.pem }') }];
  const config = { listen } as unknown as Config;
  let reads = 0;
  let looks = 0;
  const watch = new CertificateWatch({
    gateway: {
      get config() {
        looks += 1;
        return config;
      },
      renew: (how) => how(listen),
    },
    log,
    lookMs: 5,
    read: async () => {
      reads += 1;
      throw new StartError('there was no time');
    },
  });
  watch.start();
  await eventually(
    () => looks,
    (seen) => seen > 20,
  );
  watch.stop();
  assert.equal(reads, 1);
  assert.deepEqual(lines, ['files have changed, and could not be put in force {"why":"there was no time"}']);
});
