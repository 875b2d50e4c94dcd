// Source: an adversarial review: /proc/WORKER/environ has REVOCATION_SECRET and all else of the supervisor's environment.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Stand } from '../process/stand.ts';

const SECRET = 'a-secret-that-no-listener-needs-to-know';

/** A variable of the environment in a configuration. */
const variable = (name: string): string => `\${${name}}`;

/** The environment of a process by name, as the kernel shows it to permitted readers. */
function environmentOf(pid: number): ReadonlyMap<string, string> {
  const lines = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

test("no worker has a secret of the environment, and each has the gateway's own PATH", async () => {
  const stand = await Stand.start(
    {
      issuers: {
        i: { issuer: 'x', audience: 'y', algorithms: ['HS256'], keys: { secret: variable('HS_SECRET') } },
      },
      upstream: 'http://127.0.0.1:9',
      revocation: { secret: variable('REVOCATION_SECRET') },
    },
    {
      env: {
        REVOCATION_SECRET: SECRET,
        HS_SECRET: SECRET,
        AWS_SECRET_ACCESS_KEY: SECRET,
        PATH: `/tmp/writable-by-others:${process.env['PATH']}`,
        TZ: 'UTC',
      },
    },
  );
  try {
    assert.equal(environmentOf(stand.pid).get('REVOCATION_SECRET'), SECRET);
    const pids = await stand.pids();
    assert.equal(pids.length, 2);
    for (const pid of pids) {
      const environment = environmentOf(pid);
      assert.deepEqual(
        [...environment].filter(([, value]) => value.includes(SECRET)),
        [],
      );
      for (const name of ['REVOCATION_SECRET', 'HS_SECRET', 'AWS_SECRET_ACCESS_KEY', 'HOME', 'NODE_PATH']) {
        assert.equal(environment.has(name), false, name);
      }
      assert.equal(environment.get('PATH'), '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
      assert.equal(environment.get('TZ'), 'UTC');
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      assert.equal(argv.includes(SECRET), false);
    }
  } finally {
    await stand.stop();
  }
});
