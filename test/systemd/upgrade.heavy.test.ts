import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { needs } from '../support/programs.ts';
import { Machine } from './machine.ts';
import { fillShare } from './release.ts';

const CONFIG = '/etc/portcullis/portcullis.yaml';
const CURRENT = 'readlink /opt/portcullis/current';
const RELEASES = 'ls /opt/portcullis/releases';
const MAIN_PID = 'systemctl show -P MainPID portcullis';
const RUNNING = `readlink /proc/$(${MAIN_PID})/cwd`;
const SERVED = 'node /srv/get.mjs http://127.0.0.1/x';

/** A release that differs from the given one in the output of its check, and in its number. */
const otherRelease = (name: string, version: string, change: string): string => `
  rm -rf /tmp/other && mkdir /tmp/other && tar -xzf /srv/release.tgz -C /tmp/other && cd /tmp/other/package &&
  sed -i '0,/"version": "[^"]*"/s//"version": "${version}"/' package.json npm-shrinkwrap.json && ${change} &&
  cd .. && tar -czf /tmp/${name}.tgz package`;
/** Its check refuses what others accept, except for root: so the check must run as the service. */
const REFUSING = `sed -i 's/^export function check(options) {/&\\nif (process.getuid() !== 0) { process.stderr.write("refused by this release\\\\n"); return 78; }/' dist/src/cli/check.js`;

// Namespaces and a file system of its own take root; for other users there is nothing to skip.
if (process.getuid?.() === 0) {
  describe('an upgrade under systemd', needs('debootstrap'), () => {
    let machine: Machine;
    const share = mkdtempSync(join(tmpdir(), 'portcullis-share-'));
    const releases = async (): Promise<string[]> => (await machine.do(RELEASES)).trim().split('\n');

    before(async () => {
      fillShare(share);
      machine = await Machine.boot(share);
      await machine.do('systemd-run --unit=upstream node /srv/upstream.mjs');
      await machine.do('/srv/install /srv/release.tgz');
      await machine.do(
        `cat > ${CONFIG} <<'END'\nlisten: 0.0.0.0:80\nlisteners: 1\nauth: none\nupstream: http://127.0.0.1:9000\nEND`,
      );
      await machine.do('systemctl start portcullis');
      await machine.do(otherRelease('refusing', '9.0.0', REFUSING));
      await machine.do(otherRelease('next', '9.1.0', 'true'));
    });
    after(async () => {
      await machine?.close();
      rmSync(share, { recursive: true });
    });

    test('secrets of the environment are readable only by root from the first moment', async () => {
      assert.equal(await machine.do('stat -c "%a %U" /etc/portcullis/environment'), '600 root\n');
      assert.equal(await machine.do('stat -c "%a %U" /etc/portcullis/credentials'), '700 root\n');
    });

    test("a check has the service's user and environment", async () => {
      const check = 'portcullis check --as-service';
      assert.match(await machine.do(check), /portcullis\.yaml is valid/);
      const before = await machine.do(`cat ${CONFIG}`);
      const pem = `node -e "console.log(require('crypto').generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }))"`;
      const issuer = (path: string): string =>
        `issuers: { i: { issuer: x, audience: y, algorithms: [RS256], keys: { pem: "${path}" } } }`;
      await machine.do(`${pem} > /etc/portcullis/key.pem && chmod 600 /etc/portcullis/key.pem`);
      await machine.do(`echo '${issuer('./key.pem')}' >> ${CONFIG}`);
      // Variables come from the file of the service, not from the caller.
      await machine.do('echo REALM=there > /etc/portcullis/environment');
      await machine.do(`echo 'realm: $\{REALM}' >> ${CONFIG}`);
      assert.equal((await machine.run('portcullis check')).code, 78);
      // Root reads the key; the service does not.
      assert.match(await machine.do('REALM=x portcullis check'), /is valid/);
      const unreadable = await machine.run(check);
      assert.equal(unreadable.code, 78, unreadable.text);
      assert.match(unreadable.text, /pem: .*may not be read by this user/);
      await machine.do('chmod 644 /etc/portcullis/key.pem');
      assert.match(await machine.do(check), /is valid/);
      await machine.do(`cat > ${CONFIG} <<'END'\n${before}END`);
      await machine.do('systemctl restart portcullis');
      assert.equal(await machine.do('ls /run | grep -c portcullis-check || true'), '0\n');
      assert.equal(await machine.do('ls /run/systemd/system | grep -c portcullis-check || true'), '0\n');
      // The folder of the running service is still there.
      await machine.do('systemctl reload portcullis');
    });

    test('one that refuses the configuration changes nothing, twice in a row, and the service starts again', async () => {
      const seen = `${CURRENT}; ${MAIN_PID}; cat /etc/systemd/system/portcullis.service ${CONFIG}; ${RELEASES}`;
      const before = await machine.do(seen);
      for (let n = 0; n < 2; n += 1) {
        const { code, text } = await machine.run('/srv/install /tmp/refusing.tgz');
        assert.equal(code, 1, text);
        assert.match(
          text,
          /refused by this release[\s\S]*release 9\.0\.0 refuses the configuration; nothing was changed/,
        );
        assert.equal(await machine.do(seen), before);
      }
      await machine.do('systemctl restart portcullis');
      assert.match(await machine.do(SERVED), /^200 /);
    });

    test('the running release and the one before it are never removed', async () => {
      const running = (await machine.do(RUNNING)).trim();
      for (let n = 0; n < 3; n += 1) await machine.do('/srv/install --no-start /tmp/next.tgz');
      const current = (await machine.do(CURRENT)).trim();
      const previous = (await machine.do('readlink /opt/portcullis/previous')).trim();
      assert.equal((await machine.do(RUNNING)).trim(), running);
      assert.equal(new Set([running, current, previous]).size, 3);
      assert.deepEqual(
        (await releases()).map((name) => `/opt/portcullis/releases/${name}`).sort(),
        [running, current, previous].sort(),
      );
      // Its files are present: a reload reads some of them.
      await machine.do('systemctl restart portcullis');
      assert.equal((await machine.do(RUNNING)).trim(), current);
    });

    test('is undone by --rollback, which is undone by another', async () => {
      await machine.do('/srv/install /srv/release.tgz');
      const [fresh, before] = [
        (await machine.do(CURRENT)).trim(),
        (await machine.do('readlink /opt/portcullis/previous')).trim(),
      ];
      assert.match(before, /\/9\.1\.0-/);
      assert.match(
        await machine.do('/srv/install --rollback'),
        /portcullis 9\.1\.0 is installed in [\s\S]*Active: active/,
      );
      assert.equal((await machine.do(RUNNING)).trim(), before);
      assert.match(await machine.do(SERVED), /^200 /);
      await machine.do('/srv/install --rollback');
      assert.equal((await machine.do(RUNNING)).trim(), fresh);
      assert.match(await machine.do(SERVED), /^200 /);
    });

    test('a rollback to a missing release is refused', async () => {
      await machine.do('rm /opt/portcullis/previous');
      const { code, text } = await machine.run('/srv/install --rollback');
      assert.equal(code, 1);
      assert.match(text, /there is no release before this one/);
      assert.match(await machine.do(SERVED), /^200 /);
    });
  });
}
