// Source: an adversarial review: a planted key set file of another user, a log of revocations that was a link.
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { outcome, startFetching, startUpstream, token } from '../keysets/fetched-gateway.ts';
import { jwk, keySet, ScriptedIssuer } from '../keysets/scripted-issuer.ts';
import { eventually, serverOf, type TestGateway } from '../support/gateway.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { rsaKey } from '../support/tokens.ts';

/** The usual user id of `nobody`; no test runs as it. */
const STRANGER = 65_534;
/** Only root can change the owner of files: other users skip these tests. */
const testAsRoot = (name: string, body: () => void | Promise<void>): void => {
  if (process.geteuid?.() === 0) void test(name, body);
};

const key = rsaKey();
const upstream = await startUpstream();
const issuer = await ScriptedIssuer.start();
issuer.keys = keySet(jwk(key, { kid: 'a' }));
after(async () => {
  await upstream.close();
  await issuer.close();
});

describe('a file in the state folder', () => {
  let root = '';
  let state = '';
  let running: TestGateway | undefined;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'portcullis-'));
    state = join(root, 'state');
    await live(async ({ port, adminPort }) => {
      await eventually(() => existsSync(keySetFile()), Boolean);
      assert.equal(await outcome(port, token(key, 'a')), '200');
      assert.equal((await revoke(adminPort, { issuer: 'test', sub: 'eve' })).status, 200);
    });
  });
  afterEach(async () => {
    await running?.close();
    running = undefined;
    rmSync(root, { recursive: true });
  });

  const keySetFile = (): string => join(state, 'keyset-test.json');
  const journal = (): string => join(state, 'revocations.log');
  const start = async (): Promise<TestGateway> => {
    running = await startFetching(upstream, { url: issuer.url(), config: { state, revocation } });
    return running;
  };
  const live = async (use: (gateway: TestGateway) => Promise<void>): Promise<void> => {
    await use(await start());
    await running?.close();
    running = undefined;
  };
  const isRefused = (message: RegExp): Promise<void> =>
    assert.rejects(start(), (error: Error) => {
      assert.equal(error.name, 'StartError');
      assert.match(error.message, message);
      return true;
    });

  test('is in force again when no other user could have written it', () =>
    live(async ({ port }) => {
      assert.equal(await outcome(port, token(key, 'a', { sub: 'eve' })), '401 token_revoked');
      assert.equal(await outcome(port, token(key, 'a')), '200');
    }));

  for (const [name, file] of [
    ['a key set', keySetFile],
    ['the log of revocations', journal],
  ] as const) {
    testAsRoot(`${name} that belongs to another user keeps the gateway from starting`, async () => {
      chownSync(file(), STRANGER, STRANGER);
      await isRefused(/^state: \S+ belongs to user 65534, .*: it must belong to user 0 or root \(chown\)$/);
    });

    test(`${name} that others may write keeps the gateway from starting`, async () => {
      for (const mode of [0o620, 0o602]) {
        chmodSync(file(), mode);
        await isRefused(/^state: \S+ may be written by others \(mode 06\d\d\), .*: chmod 600$/);
      }
    });

    test(`${name} that is a link keeps the gateway from starting, and its target stays unchanged`, async () => {
      const target = join(root, 'target');
      writeFileSync(target, 'precious', { mode: 0o600 });
      rmSync(file());
      symlinkSync(target, file());
      await isRefused(/ is a link, .*: remove it$/);
      assert.equal(readFileSync(target, 'utf8'), 'precious');
      // Nor is a file made at the target of a link.
      rmSync(target);
      await isRefused(/ is a link, /);
      assert.equal(existsSync(target), false);
    });

    test(`${name} that is a folder keeps the gateway from starting`, async () => {
      rmSync(file());
      mkdirSync(file());
      await isRefused(/ is no plain file, /);
    });
  }

  test('lies in a folder that no other user may write', async () => {
    for (const mode of [0o770, 0o707, 0o1777]) {
      chmodSync(state, mode);
      await isRefused(/\/state may be written by others \(mode \d{4}\), .*: chmod 700$/);
    }
    chmodSync(state, 0o755);
    await start();
  });

  testAsRoot('lies in a folder of this user or root', async () => {
    chownSync(state, STRANGER, STRANGER);
    await isRefused(/\/state belongs to user 65534, /);
  });

  test('lies in a folder that no other user can replace', async () => {
    chmodSync(root, 0o777);
    await isRefused(/ may be written by others \(mode 0777\), .*: chmod go-w$/);
    // As in /tmp, where only the owner of a name may remove it.
    chmodSync(root, 0o1777);
    await start();
  });

  test('may lie behind a link of this user or root, as systemd makes one, and behind no other', async () => {
    const real = join(root, 'private');
    renameSync(state, real);
    symlinkSync('private', state);
    await live(({ port }) =>
      outcome(port, token(key, 'a', { sub: 'eve' })).then((is) => assert.match(is, /revoked/)),
    );
    chmodSync(real, 0o777);
    await isRefused(/\/private may be written by others/);
  });

  testAsRoot('is not looked for where a link of another user leads', async () => {
    renameSync(state, join(root, 'private'));
    symlinkSync('private', state);
    const { lchownSync } = await import('node:fs');
    lchownSync(state, STRANGER, STRANGER);
    await isRefused(/\/state belongs to user 65534/);
  });

  test('is not trusted at a reload either', async () => {
    const running = await start();
    const { gateway, port } = running;
    const { config } = serverOf(running);
    const main = config.issuers.get('test');
    assert.ok(main?.remotes !== undefined);
    const other = { ...main, name: 'other', issuer: 'https://other.example' };
    const planted = join(state, 'keyset-other.json');
    writeFileSync(planted, readFileSync(keySetFile()), { mode: 0o600 });
    chmodSync(planted, 0o622);
    const changed = { ...config, issuers: new Map([...config.issuers, ['other', other]]) };
    await assert.rejects(gateway.reload(changed), /keyset-other\.json may be written by others/);
    assert.equal(await outcome(port, token(key, 'a')), '200');
    rmSync(planted);
    await gateway.reload(changed);
  });

  test('is written where no link redirects it: the beginning of a new file is made anew', async () => {
    const target = join(root, 'target');
    writeFileSync(target, 'precious');
    symlinkSync(target, `${journal()}.new`);
    const line = readFileSync(journal(), 'utf8').split('\n')[1] as string;
    writeFileSync(journal(), `${readFileSync(journal(), 'utf8')}${`${line}\n`.repeat(3_000)}`);
    const { adminPort } = await start();
    symlinkSync(target, `${journal()}.new`);
    assert.equal((await revoke(adminPort, { issuer: 'test', sub: 'mallory' })).status, 200);
    await eventually(
      () => statSync(journal()).size,
      (size) => size < 10_000,
    );
    assert.equal(readFileSync(target, 'utf8'), 'precious');
    assert.equal(statSync(journal()).isFile(), true);
  });
});
