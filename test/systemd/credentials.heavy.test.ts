import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { needs } from '../support/programs.ts';
import { rs256, rsaKey, secondsFromNow, type TestKey } from '../support/tokens.ts';
import { Machine } from './machine.ts';
import { fillShare } from './release.ts';

const DROP_IN = '/etc/systemd/system/portcullis.service.d/credentials.conf';
const KEY = '/etc/portcullis/credentials/key.pem';
const CONFIG = `listen: 0.0.0.0:80
listeners: 1
issuers: { i: { issuer: x, audience: y, algorithms: [RS256], keys: { pem: "\${CREDENTIALS_DIRECTORY}/key.pem" } } }
auth: i
upstream: http://127.0.0.1:9000
`;

const [key, next] = [rsaKey(), rsaKey()];
const token = (by: TestKey): string => rs256(by, { iss: 'x', aud: 'y', exp: secondsFromNow(3600) });

// Namespaces and a file system of its own take root; for other users there is nothing to skip.
if (process.getuid?.() === 0) {
  describe('a key that only root may read, under systemd', needs('debootstrap'), () => {
    let machine: Machine;
    const share = mkdtempSync(join(tmpdir(), 'portcullis-share-'));
    const install = (by: TestKey): Promise<string> =>
      machine.do(`install -m 600 /dev/null ${KEY} && cat > ${KEY} <<'END'\n${by.pem}END`);
    const response = async (by: TestKey): Promise<string> =>
      (await machine.do(`node /srv/get.mjs http://127.0.0.1/x 'Bearer ${token(by)}'`)).slice(0, 3);

    before(async () => {
      fillShare(share);
      machine = await Machine.boot(share);
      await machine.do('systemd-run --unit=upstream node /srv/upstream.mjs');
      await machine.do('/srv/install /srv/release.tgz');
      await machine.do(`cat > /etc/portcullis/portcullis.yaml <<'END'\n${CONFIG}END`);
      await install(key);
    });
    after(async () => {
      await machine?.close();
      rmSync(share, { recursive: true });
    });

    test('without a credential the start is refused, and so is a check as the service', async () => {
      const wanted = /key\.pem.*CREDENTIALS_DIRECTORY|CREDENTIALS_DIRECTORY/;
      assert.notEqual((await machine.run('systemctl start portcullis')).code, 0);
      assert.equal(await machine.do('systemctl show -P ExecMainStatus portcullis'), '78\n');
      assert.match(await machine.do('journalctl -u portcullis -o cat --no-pager'), wanted);
      const check = await machine.run('portcullis check --as-service');
      assert.equal(check.code, 78, check.text);
      assert.match(check.text, wanted);
    });

    test('a drop-in with LoadCredential= passes it to the service', async () => {
      await machine.do(
        `mkdir -p ${join(DROP_IN, '..')} && printf '[Service]\\nLoadCredential=key.pem:${KEY}\\n' > ${DROP_IN} && systemctl daemon-reload && systemctl reset-failed portcullis`,
      );
      assert.match(await machine.do('portcullis check --as-service'), /is valid/);
      await machine.do('systemctl start portcullis');
      assert.deepEqual([await response(key), await response(next)], ['200', '401']);
    });

    test('only root may read the file, and no other service the credential', async () => {
      assert.equal(await machine.do(`stat -c '%a %U' ${KEY}`), '600 root\n');
      const credential = '/run/credentials/portcullis.service/key.pem';
      await machine.do(`test -f ${credential}`);
      const other = await machine.run(`systemd-run --pipe --wait -q -p DynamicUser=yes cat ${credential}`);
      assert.notEqual(other.code, 0);
      assert.match(other.text, /Permission denied/);
    });

    test('a reload succeeds, and a restart reads the same key', async () => {
      await machine.do('systemctl reload portcullis');
      assert.deepEqual([await response(key), await response(next)], ['200', '401']);
      await install(next);
      await machine.do('systemctl restart portcullis');
      assert.deepEqual([await response(key), await response(next)], ['401', '200']);
    });

    test('a reload is refused when the next start would be, and nothing changes', async () => {
      await machine.do(`echo nonsense > ${KEY}`);
      assert.notEqual((await machine.run('systemctl reload portcullis')).code, 0);
      const errors = await machine.do('journalctl -u portcullis -p err -o cat --no-pager');
      assert.match(errors, /portcullis\.yaml:3:\d+: issuers\.i\.keys\.pem: .*key\.pem/);
      assert.deepEqual([await response(key), await response(next)], ['401', '200']);
      await install(next);
      await machine.do('systemctl reload portcullis');
    });

    test('replaced workers have it, too', async () => {
      await machine.do('systemctl kill -s USR2 --kill-who=main portcullis');
      await machine.until(
        'journalctl -u portcullis -o cat --no-pager',
        /"message":"every listener was replaced"/,
      );
      assert.deepEqual([await response(key), await response(next)], ['401', '200']);
    });

    test('a credential whose file is missing fails a reload, which changes nothing, and a start, with the reason in the journal', async () => {
      await machine.do(`rm ${KEY}`);
      assert.notEqual((await machine.run('systemctl reload portcullis')).code, 0);
      assert.equal(await response(next), '200');
      assert.notEqual((await machine.run('systemctl restart portcullis')).code, 0);
      await machine.until('journalctl -u portcullis -o cat --no-pager', /Failed to set up credentials/);
    });
  });
}
