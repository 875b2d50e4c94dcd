import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { needs } from '../support/programs.ts';
import { Machine } from './machine.ts';
import { fillShare } from './release.ts';

const CONFIG = '/etc/portcullis/portcullis.yaml';

/** Port 80, which needs the one capability that the unit grants. */
const configOf = (path: string): string => `listen: 0.0.0.0:80
admin: 127.0.0.1:9090
listeners: 2
issuers: { own: { issuer: x, audience: y, algorithms: [HS256], keys: { secret: "\${SECRET}" } } }
upstreams: { app: { servers: ["http://127.0.0.1:9000"] } }
routes: [{ match: { path: ${path} }, auth: none, upstream: app }]
state: /var/lib/portcullis
revocation: { secret: "\${SECRET}" }
shutdown: { grace: 5s }
`;

const get = (path: string): string => `node /srv/get.mjs http://127.0.0.1${path}`;
const MAIN_PID = 'systemctl show -P MainPID portcullis';
/** Lines of the service in the journal, by their least priority. */
const journal = (priority: string): string =>
  `journalctl -u portcullis -p ${priority} -o cat --no-pager --sync >/dev/null; journalctl -u portcullis -p ${priority} -o cat --no-pager`;

// Namespaces and a file system of its own take root; for other users there is nothing to skip.
if (process.getuid?.() === 0) {
  describe('under systemd', needs('debootstrap'), () => {
    let machine: Machine;
    const share = mkdtempSync(join(tmpdir(), 'portcullis-share-'));
    const write = (path: string): Promise<string> =>
      machine.do(`cat > ${CONFIG} <<'END'\n${configOf(path)}END`);

    before(async () => {
      fillShare(share);
      machine = await Machine.boot(share);
      await machine.do('systemd-run --unit=upstream node /srv/upstream.mjs');
    });
    after(async () => {
      await machine?.close();
      rmSync(share, { recursive: true });
    });

    test('the installer puts a release in place, and a first one waits for its configuration', async () => {
      const told = await machine.do('/srv/install /srv/release.tgz');
      assert.match(told, /^portcullis \S+ is installed in \/opt\/portcullis\/releases\//m);
      assert.match(told, /write your configuration into \/etc\/portcullis\/portcullis\.yaml/);
      assert.equal(await machine.do('systemctl is-enabled portcullis'), 'enabled\n');
      assert.match(await machine.do('portcullis --version'), /^\d+\.\d+\.\d+\n$/);
      assert.equal((await machine.run('systemctl is-active portcullis')).text, 'inactive\n');
    });

    test('the unit is valid, and exposes little', async () => {
      assert.equal(await machine.do('systemd-analyze verify portcullis.service'), '');
      const report = await machine.do('systemd-analyze security --no-pager portcullis.service');
      const [, level] = /Overall exposure level for portcullis\.service: (\d+\.\d)/.exec(report) ?? [];
      assert.ok(Number(level) < 2, `exposure ${level}`);
    });

    test('a configuration with faults ends the start, with every fault in the journal, and is not retried', async () => {
      await machine.do(`printf 'listen: nonsense\\n' > ${CONFIG}`);
      assert.notEqual((await machine.run('systemctl start portcullis')).code, 0);
      assert.equal(await machine.do('systemctl show -P ExecMainStatus portcullis'), '78\n');
      assert.equal(await machine.do('systemctl show -P NRestarts portcullis'), '0\n');
      const lines = await machine.do(journal('debug'));
      assert.match(lines, /portcullis\.yaml:1:9: listen: /);
      await machine.do('systemctl reset-failed portcullis');
    });

    test('it starts, is ready when it serves, and reports its figures', async () => {
      await machine.do(`echo SECRET=${'s'.repeat(32)} > /etc/portcullis/environment`);
      await write('/');
      await machine.do('systemctl start portcullis');
      assert.equal(await machine.do(get('/one')), '200 /one for 127.0.0.1\n');
      const status = await machine.until(
        'systemctl status --no-pager portcullis',
        /Status: "2 of 2 listeners serve; [1-9]\d* requests, \d+\/s; \d+ connections, \d+ tokens cached"/,
      );
      assert.match(status, /Active: active \(running\)/);
      assert.match(await machine.do(journal('info')), /"message":"ready"/);
    });

    test('its processes have a user of their own, with almost no rights', async () => {
      const pids = await machine.do(`main=$(${MAIN_PID}); echo $main $(cat /proc/$main/task/$main/children)`);
      const all = pids.trim().split(' ');
      assert.ok(all.length >= 3, pids);
      for (const pid of all.slice(0, 3)) {
        const status = await machine.do(`cat /proc/${pid}/status`);
        assert.doesNotMatch(status, /^Uid:\t0\t/m);
        // CAP_NET_BIND_SERVICE.
        for (const set of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb']) {
          assert.match(status, new RegExp(`^${set}:\\t0000000000000400$`, 'm'));
        }
        assert.match(status, /^NoNewPrivs:\t1$/m);
        assert.match(status, /^Seccomp:\t2$/m);
      }
      const listener = await machine.do(`tr '\\0' '\\n' < /proc/${all[1]}/environ`);
      assert.doesNotMatch(listener, /^(NOTIFY_SOCKET|WATCHDOG_\w+)=/m);
    });

    test('a reload puts another configuration in force; a bad one changes nothing and is reported as an error', async () => {
      const before = await machine.do(MAIN_PID);
      assert.match(await machine.do(get('/elsewhere')), /^200 /);
      await write('/only');
      await machine.do('systemctl reload portcullis');
      // At once: reload reports the state that is in force.
      assert.match(await machine.do(get('/elsewhere')), /^404 /);
      assert.equal(await machine.do(get('/only')), '200 /only for 127.0.0.1\n');
      await machine.do(`printf 'listen: nonsense\\n' > ${CONFIG}`);
      assert.notEqual((await machine.run('systemctl reload portcullis')).code, 0);
      const errors = await machine.do(journal('err'));
      assert.match(errors, /portcullis\.yaml:1:9: listen: /);
      assert.doesNotMatch(errors, /"message":"ready"/);
      // Valid by itself, but not for the running gateway.
      await write('/');
      await machine.do(`echo 'limits: { requestHead: 8KiB }' >> ${CONFIG}`);
      assert.notEqual((await machine.run('systemctl reload portcullis')).code, 0);
      await machine.until(
        'systemctl status --no-pager portcullis',
        /Status: "2 of 2 listeners serve; .*; the reload at \S+ failed: limits\.requestHead cannot change/,
      );
      assert.equal(await machine.do(get('/only')), '200 /only for 127.0.0.1\n');
      assert.equal(await machine.do('systemctl is-active portcullis'), 'active\n');
      assert.equal(await machine.do(MAIN_PID), before);
      await write('/');
    });

    test('a revoked token is still revoked after a restart', async () => {
      const revoke = `node -e "fetch('http://127.0.0.1:9090/revocations', { method: 'POST', headers: { authorization: 'Bearer ' + process.argv[1], 'content-type': 'application/json' }, body: JSON.stringify({ jti: 'x' }) }).then((answer) => console.log(answer.status))" ${'s'.repeat(32)}`;
      assert.match(await machine.do(revoke), /^20\d\n$/);
      await machine.do('systemctl restart portcullis');
      const count = `node -e "fetch('http://127.0.0.1:9090/status').then((answer) => answer.json()).then((status) => console.log(status.revocations.entries))"`;
      assert.equal(await machine.do(count), '1\n');
    });

    test('a killed supervisor takes its workers with it and is restarted', async () => {
      const main = await machine.do(MAIN_PID);
      const listeners = await machine.do(`cat /proc/${main.trim()}/task/${main.trim()}/children`);
      await machine.do(`kill -9 ${main}`);
      await machine.until(
        `${MAIN_PID}; systemctl is-active portcullis`,
        new RegExp(`^(?!${main.trim()}\\n)[1-9]\\d*\\nactive\\n$`),
      );
      assert.match(await machine.until(get('/back'), /^200 /), /^200 /);
      for (const pid of listeners.trim().split(' ')) {
        await machine.until(`test -d /proc/${pid} || echo gone`, /gone/);
      }
    });

    for (const [who, pids] of [
      ['the supervisor hangs', MAIN_PID],
      ['all listeners hang', `cat /proc/$(${MAIN_PID})/task/$(${MAIN_PID})/children`],
    ] as const) {
      test(`the watchdog restarts it when ${who}`, async () => {
        await machine.do(
          'mkdir -p /run/systemd/system/portcullis.service.d && printf "[Service]\\nWatchdogSec=4\\n" > /run/systemd/system/portcullis.service.d/test.conf && systemctl daemon-reload && systemctl restart portcullis',
        );
        const restarts = await machine.do('systemctl show -P NRestarts portcullis');
        await machine.until(get('/'), /^200 /);
        await machine.do(`kill -STOP $(${pids})`);
        await machine.until(
          'journalctl -u portcullis --no-pager -o cat -n 50',
          /Failed with result 'watchdog'[\s\S]*Started portcullis/,
          30_000,
        );
        await machine.until(get('/'), /^200 /);
        assert.ok(Number(await machine.do('systemctl show -P NRestarts portcullis')) > Number(restarts));
        await machine.do('journalctl --rotate --vacuum-time=1s');
      });
    }

    test('a second installation keeps the configuration and restarts', async () => {
      const before = await machine.do(`cat ${CONFIG}; readlink /opt/portcullis/current`);
      const main = await machine.do(MAIN_PID);
      assert.match(await machine.do('/srv/install /srv/release.tgz'), /Active: active \(running\)/);
      const now = await machine.do(`cat ${CONFIG}; readlink /opt/portcullis/current`);
      assert.equal(now.split('\n').slice(0, -2).join(), before.split('\n').slice(0, -2).join());
      assert.notEqual(now, before);
      assert.notEqual(await machine.do(MAIN_PID), main);
      assert.match(await machine.do(get('/')), /^200 /);
    });

    test('SIGUSR2 replaces the workers and leaves the supervisor', async () => {
      const family = `main=$(${MAIN_PID}); echo $main; cat /proc/$main/task/$main/children`;
      const [main, old] = (await machine.do(family)).split('\n');
      await machine.do('systemctl kill -s USR2 --kill-who=main portcullis');
      await machine.until(journal('info'), /"message":"every listener was replaced"/);
      const [still, fresh] = (await machine.do(family)).split('\n');
      assert.equal(still, main);
      assert.notEqual(fresh, old);
      assert.match(await machine.do(get('/')), /^200 /);
    });

    test('it stops on request, with its last lines in the journal', async () => {
      await machine.do('systemctl stop portcullis');
      assert.equal(await machine.do('systemctl show -P Result portcullis'), 'success\n');
      assert.equal(await machine.do('systemctl show -P ExecMainStatus portcullis'), '0\n');
      const lines = await machine.do(journal('info'));
      assert.match(lines, /"message":"stopping"[\s\S]*"message":"stopped"/);
      // The priority is the journal's; the stored line is without it.
      assert.doesNotMatch(lines, /^<\d>/m);
      const stored = await machine.do('journalctl -u portcullis -o json --no-pager | grep stopping');
      assert.match(stored, /"PRIORITY":"6"/);
      assert.match((await machine.run(get('/'))).text, /ECONNREFUSED/);
    });

    test('the uninstaller removes it and keeps foreign files, unless it is asked to purge', async () => {
      await machine.do('/srv/uninstall');
      const left =
        'ls -d /opt/portcullis /usr/local/bin/portcullis /etc/systemd/system/portcullis.service /etc/portcullis /var/lib/portcullis 2>/dev/null';
      assert.equal((await machine.run(left)).text, '/etc/portcullis\n/var/lib/portcullis\n');
      await machine.do('/srv/uninstall --purge');
      assert.equal((await machine.run(left)).text, '');
    });

    test('an installer that cannot do its work gives the reason', async () => {
      for (const [line, why] of [
        ['/srv/install', /usage: install/],
        ['/srv/install /nowhere.tgz', /there is no file \/nowhere\.tgz/],
        ['/srv/install /srv/get.mjs', /is not a packed release/],
        ['PATH=/usr/bin:/bin /srv/install /srv/release.tgz', /node is missing/],
      ] as const) {
        const { code, text } = await machine.run(line);
        assert.equal(code, 1, text);
        assert.match(text, why);
      }
      assert.equal((await machine.run('ls /opt/portcullis/releases')).text.trim(), '');
    });
  });

  test('no machine is left behind', () => {
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith('portcullis-machine-')),
      [],
    );
  });
}
