import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { configFromObject } from '../../src/config/load.ts';
import { type Explanation, explain } from '../../src/explain/explain.ts';
import { createGateway } from '../../src/gateway/local-gateway.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { jwk, keySet, ScriptedIssuer } from '../keysets/scripted-issuer.ts';
import { eventually, silentLog } from '../support/gateway.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';

/** The user of a service, and a user who is neither that nor this one; no test runs as them. */
const SERVICE = 65_534;
const STRANGER = 65_533;
/** Only root can change the owner of files: other users skip these tests. */
const describeAsRoot = (name: string, body: () => void): void => {
  if (process.geteuid?.() === 0) void describe(name, body);
};

describeAsRoot("explain, asked by root about a service's state folder", () => {
  const key = rsaKey();
  let issuer: ScriptedIssuer;
  let root = '';
  let config: Config;
  const state = (name = ''): string => join(root, 'data', 'state', name);

  before(async () => {
    issuer = await ScriptedIssuer.start();
    issuer.keys = keySet(jwk(key, { kid: 'a' }));
  });
  after(() => issuer.close());
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'portcullis-'));
    const result = configFromObject(
      {
        listen: '127.0.0.1:0',
        admin: '127.0.0.1:0',
        verifiers: 0,
        state: state(),
        revocation: { secret: revocation.secret as string },
        upstream: 'http://127.0.0.1:1',
        issuers: {
          main: {
            issuer: 'https://issuer.example',
            audience: 'orders',
            algorithms: ['RS256'],
            keys: { jwks: issuer.url() },
          },
        },
      },
      root,
      {},
    );
    assert.ok(result.ok, JSON.stringify(result));
    config = result.config;
    const gateway = createGateway(config, { log: silentLog });
    await gateway.start();
    try {
      await eventually(() => existsSync(state('keyset-main.json')), Boolean);
      const { status } = await revoke(Number(gateway.addresses.admin.split(':').at(-1)), { jti: 'gone' });
      assert.equal(status, 200);
    } finally {
      await gateway.close({ graceMs: 0 });
    }
    for (const name of readdirSync(state())) chownSync(state(name), SERVICE, SERVICE);
    for (const folder of [state(), join(root, 'data')]) chownSync(folder, SERVICE, SERVICE);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const ask = (jti: string): Promise<Explanation> => {
    const claims = { iss: 'https://issuer.example', aud: 'orders', exp: secondsFromNow(600), jti };
    const token = rs256(key, claims, { alg: 'RS256', kid: 'a' });
    const question = { method: 'GET', host: 'localhost', path: '/', token };
    return explain(config, question, { offline: true, clock: systemClock });
  };
  const isRefused = (message: RegExp): Promise<void> =>
    assert.rejects(ask('gone'), (error: Error) => {
      assert.equal(error.name, 'StartError');
      assert.match(error.message, message);
      return true;
    });

  test('reads keys and revocations there, while a gateway of root does not start', async () => {
    assert.equal((await ask('gone')).refusal?.reason, 'token_revoked');
    assert.equal((await ask('another')).refusal, undefined);
    // The owner's group may write above the folder, as on a volume.
    chmodSync(join(root, 'data'), 0o770);
    assert.equal((await ask('gone')).refusal?.reason, 'token_revoked');
    await assert.rejects(createGateway(config, { log: silentLog }).start(), /belongs to user 65534, /);
  });

  test('reports a folder where other users could have written', async () => {
    chownSync(state('revocations.log'), STRANGER, SERVICE);
    await isRefused(/revocations\.log belongs to user 65533, .*: it must belong to user 65534 or root/);
    chownSync(state('revocations.log'), SERVICE, SERVICE);
    chmodSync(state('revocations.log'), 0o620);
    await isRefused(/revocations\.log may be written by others \(mode 0620\)/);
    chmodSync(state('revocations.log'), 0o600);
    for (const [folder, mode] of [
      [state(), 0o770],
      [join(root, 'data'), 0o707],
    ] as const) {
      chmodSync(folder, mode);
      await isRefused(/ may be written by others /);
      chmodSync(folder, 0o700);
    }
    chownSync(join(root, 'data'), STRANGER, SERVICE);
    await isRefused(/\/data belongs to user 65533, /);
  });

  test('follows no link out of the folder', async () => {
    mkdirSync(join(root, 'elsewhere'));
    const target = join(root, 'elsewhere', 'log');
    renameSync(state('revocations.log'), target);
    symlinkSync(target, state('revocations.log'));
    await isRefused(/revocations\.log is a link, /);
  });
});
