import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodeVersion, sharesPorts } from '../../src/lib/node-version.ts';
import { Authority, type Issued } from '../support/authority.ts';
import { sClient } from '../support/openssl.ts';
import { needs } from '../support/programs.ts';
import { connectTls } from '../support/tls.ts';
import { NamedUpstream, Stand } from './stand.ts';

/** Connections of which, by any hash, each of two workers gets some. */
const MANY = 24;
const DAY_MS = 24 * 60 * 60_000;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-tls-'));
after(() => rmSync(folder, { recursive: true }));
const root = new Authority('root');
const inDays = (days: number): string =>
  `${new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, '')}`;
const site = (cn: string, days = 50): Issued =>
  root.issue({ cn, names: ['a.example'], dates: ['20200101000000Z', inDays(days)] });

/** The key is encrypted, as its passphrase in the configuration says. */
function put({ cert, key }: Issued): void {
  const locked = createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'sesame',
  });
  writeFileSync(join(folder, 'site.pem'), cert);
  writeFileSync(join(folder, 'site.key'), locked);
}

const GET = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';

/** Other versions of Node.js start no such gateway. */
const onSuch = sharesPorts(nodeVersion) ? describe : () => {};

onSuch('a gateway with several listeners and TLS', needs('openssl'), () => {
  let upstream: NamedUpstream;
  let stand: Stand;
  before(async () => {
    put(site('one'));
    upstream = await NamedUpstream.start('a');
    stand = await Stand.start(config(), {}, ['--accept-vulnerable-node']);
  });
  after(async () => {
    upstream.close();
    await stand.stop();
  });

  function config(): object {
    return {
      listen: {
        address: '127.0.0.1:0',
        tls: {
          certificates: {
            cert: join(folder, 'site.pem'),
            key: join(folder, 'site.key'),
            passphrase: 'sesame',
          },
        },
      },
      listeners: 2,
      verifiers: 0,
      auth: 'none',
      upstream: upstream.url,
    };
  }

  const cns = async (): Promise<string> =>
    (await sClient(stand.port, '-servername a.example')).output.match(/subject=CN = (\w+)/)?.[1] ?? '';

  test('resumes a session at each listener', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const terms = { servername: 'a.example', minVersion: version, maxVersion: version };
      let session: Buffer | undefined;
      const first = await connectTls(stand.port, terms, (made) => {
        session = made;
      });
      first.write(GET);
      // Tickets of TLS 1.3 come before the response.
      await new Promise((done) => first.once('data', done));
      first.destroy();
      assert.ok(session !== undefined);
      const reused: boolean[] = [];
      const open = await Promise.all(
        Array.from({ length: MANY }, () => connectTls(stand.port, { ...terms, session })),
      );
      for (const socket of open) reused.push(socket.isSessionReused());
      const { listeners } = await stand.status();
      assert.ok(
        listeners.every(({ connections }) => connections > 0),
        'one listener had them all',
      );
      assert.deepEqual(new Set(reused), new Set([true]), version);
      for (const socket of open) socket.destroy();
    }
  });

  test('serves a new certificate from SIGHUP on, keeps open connections, and refuses a bad pair', async () => {
    assert.equal(await cns(), 'one');
    const open = await connectTls(stand.port, { servername: 'a.example' });
    open.setEncoding('latin1');
    const asked = async (): Promise<string> => {
      open.write(GET);
      const [text] = await Promise.all([new Promise<string>((done) => open.once('data', done))]);
      return text.slice(0, 12);
    };
    assert.equal(await asked(), 'HTTP/1.1 200');

    put(site('two', 20));
    await stand.told('SIGHUP', 'the configuration was reloaded');
    assert.equal(await cns(), 'two');
    assert.equal(await asked(), 'HTTP/1.1 200');
    const { certificates } = (await stand.status()) as unknown as { certificates: { daysLeft: number }[] };
    assert.deepEqual(
      certificates.map(({ daysLeft }) => daysLeft),
      [19],
    );
    const seconds = await stand.metric('portcullis_tls_certificate_expiry_seconds');
    assert.ok(Math.abs(seconds * 1000 - 20 * DAY_MS) < DAY_MS, `${seconds}`);

    writeFileSync(join(folder, 'site.pem'), site('three').cert);
    await stand.told('SIGHUP', 'the configuration was not reloaded');
    assert.match(await stand.log(), /site\.pem holds a certificate for another key/);
    const { configuration } = (await stand.status()) as unknown as {
      configuration: { lastReload: { ok: boolean; faults: string[] } };
    };
    assert.equal(configuration.lastReload.ok, false);
    assert.match(configuration.lastReload.faults.join(), /for another key/);
    assert.equal(await cns(), 'two');
    assert.equal(await asked(), 'HTTP/1.1 200');
    open.destroy();
  });

  test('takes a new pair without a signal', async () => {
    put(site('four'));
    await stand.program.printed(/"message":"files have changed, and what they hold is in force"/);
    assert.equal(await cns(), 'four');
    assert.doesNotMatch(await stand.log(), /sesame|BEGIN/);
  });
});
