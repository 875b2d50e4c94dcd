import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodeVersion, sharesPorts } from '../../src/lib/node-version.ts';
import { History } from '../soak/history.ts';
import { Authority, type Issued } from '../support/authority.ts';
import { NamedUpstream, Stand, until } from './stand.ts';
import { SteadyClients } from './steady-clients.ts';
import { SteadyStreams } from './steady-streams.ts';

const SERVERNAME = 'a.example';
/** Requests of each kind of client between two changes. */
const BETWEEN = 100;
const CHANGES = 3;

/** Whether the kernel hands connections that a worker has not accepted to another one when it stops listening. */
const queuesMove = readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-tls-'));
after(() => rmSync(folder, { recursive: true }));
const root = new Authority('root');
const issue = (number: number): Issued => root.issue({ cn: `site${number}`, names: [SERVERNAME] });

/** In one step, so that the gateway never reads half of it. */
function put(cert: string, key: string): void {
  writeFileSync(join(folder, 'new.pem'), cert + key);
  renameSync(join(folder, 'new.pem'), join(folder, 'site.pem'));
}

/** Other versions of Node.js start no such gateway. */
const onSuch = sharesPorts(nodeVersion) ? describe : () => {};

onSuch('a gateway with several listeners and TLS, under load by HTTP/1.1 and HTTP/2', () => {
  /** The certificate in force, as clients see it. */
  const inForce = new History('site0');
  /** Certificates that were shown, and those among them that were not in force. */
  const shown = new Set<string>();
  const wrong: string[] = [];
  let upstream: NamedUpstream;
  let stand: Stand;
  let kept: SteadyClients;
  let fresh: SteadyClients;
  let streams: SteadyStreams;

  before(async () => {
    const { cert, key } = issue(0);
    put(cert, key);
    upstream = await NamedUpstream.start('a');
    stand = await Stand.start(
      {
        listen: { address: '127.0.0.1:0', tls: { certificates: join(folder, 'site.pem') } },
        auth: 'none',
        upstream: upstream.url,
      },
      {},
      ['--accept-vulnerable-node'],
    );
    const judge = (status: number, body: string): string | undefined =>
      status === 200 && body === 'a /x' ? undefined : `${status} ${body}`;
    const onCertificate = (cn: string, since: number): void => {
      shown.add(cn);
      const right = inForce.between(since, performance.now());
      if (!right.includes(cn)) wrong.push(`${cn} in place of ${right.join(' or ')}`);
    };
    const secure = { servername: SERVERNAME, onCertificate };
    const head = (): string => `GET /x HTTP/1.1\r\nHost: ${SERVERNAME}\r\n`;
    const { port } = stand;
    kept = new SteadyClients({ port, head, judge, secure, clients: 16 });
    fresh = new SteadyClients({ port, head, judge, secure, clients: 4, fresh: true });
    streams = new SteadyStreams({ port, path: '/x', judge, secure });
    await pass();
  });
  after(async () => {
    await Promise.all([kept.stop(), fresh.stop(), streams.stop()]);
    assert.equal((await stand.stop()).code, 0);
    upstream.close();
  });

  async function pass(): Promise<void> {
    await Promise.all([kept.pass(BETWEEN), fresh.pass(BETWEEN / 4), streams.pass(BETWEEN)]);
  }

  function assertNothingLost(): void {
    assert.deepEqual(kept.failures, {});
    assert.deepEqual(fresh.failures, {});
    assert.deepEqual(streams.failures, {});
    assert.deepEqual(wrong, []);
  }

  test('SIGHUP brings new certificates to new connections, and loses no request', async () => {
    for (let number = 1; number <= CHANGES; number += 1) {
      const { cert, key } = issue(number);
      inForce.begin(`site${number}`);
      put(cert, key);
      await stand.told('SIGHUP', 'the configuration was reloaded');
      inForce.settle();
      await pass();
      assert.ok(shown.has(`site${number}`));
      // The key of another certificate: the pair stays that is in force.
      put(issue(number).cert, issue(number).key);
      await stand.told('SIGHUP', 'the configuration was not reloaded');
      await pass();
      put(cert, key);
    }
    assertNothingLost();
    assert.equal(kept.handshakesRefused + fresh.handshakesRefused + streams.handshakesRefused, 0);
    assert.equal(streams.goneAway, 0);
  });

  test('SIGUSR2 replaces every worker, and loses no request', async () => {
    for (let time = 0; time < CHANGES; time += 1) {
      const before = await stand.pids();
      await stand.told('SIGUSR2', 'every listener was replaced');
      const now = await stand.pids();
      assert.equal(now.length, 2);
      assert.ok(now.every((pid) => !before.includes(pid)));
      await pass();
    }
    assertNothingLost();
    // Clients of HTTP/2 have left each worker because it asked them to.
    assert.ok(streams.goneAway >= CHANGES, `${streams.goneAway}`);
    // Where a connection waits in the queue of a worker that stops listening, the kernel resets it: no request was sent.
    if (queuesMove)
      assert.equal(kept.handshakesRefused + fresh.handshakesRefused + streams.handshakesRefused, 0);
    await Promise.all([kept.stop(), fresh.stop(), streams.stop()]);
    await until(
      async () => (await stand.status()).listeners.map(({ connections }) => connections),
      (counts) => counts.length === 2 && counts.every((count) => count === 0),
    );
    assert.equal(await stand.metric('portcullis_listener_deaths_total'), 0);
  });
});
