import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { KeySetStore } from '../../src/keysets/store.ts';
import { issuer } from '../auth/support.ts';
import { rsaKey } from '../support/tokens.ts';
import { jwk, keySet, ScriptedIssuer, status } from './scripted-issuer.ts';
import { remoteKeys, Subject, type SubjectOptions } from './support.ts';

const HOUR = 3_600_000;
const root = mkdtempSync(join(tmpdir(), 'portcullis-'));
const a = jwk(rsaKey(), { kid: 'a' });
const server = await ScriptedIssuer.start();
after(async () => {
  await server.close();
  rmSync(root, { recursive: true });
});

let folder = '';
let file = '';
let count = 0;
beforeEach(() => {
  count += 1;
  folder = join(root, `${count}`, 'deeper');
  file = join(folder, 'keyset-main.json');
  server.keys = keySet(a);
});

const subject = (options: SubjectOptions = {}): Subject =>
  new Subject(server.url(), { store: new KeySetStore(folder), ...options });

/** A gateway's life: it fetches once and ends. */
async function keepOnce(options: SubjectOptions = {}): Promise<void> {
  const one = subject(options);
  await one.start();
  await one.set.close();
}

/** The keys in force and the log lines of a gateway that starts while the issuer is down. */
async function restart(
  options: SubjectOptions & { readonly laterMs?: number } = {},
): Promise<{ readonly kids: readonly string[]; readonly why: unknown; readonly one: Subject }> {
  server.keys = status(503);
  const one = subject(options);
  one.time.stepWall(options.laterMs ?? 0);
  await one.set.load();
  const { kids } = one.set;
  await one.set.close();
  const at = one.log.lines.indexOf('warn a kept key set is ignored');
  return { kids, why: (one.log.fields[at] as { why?: unknown } | undefined)?.why, one };
}

describe('a kept key set', () => {
  test('is in its own file, for its owner only, and contains no more than needed', async () => {
    server.keys = keySet({ ...a, note: 'hidden' }, { kty: 'oct', k: 'c2VjcmV0' });
    await keepOnce();
    assert.deepEqual(readdirSync(folder), ['keyset-main.json']);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    const text = readFileSync(file, 'utf8');
    assert.doesNotMatch(text, /hidden|c2VjcmV0|127\.0\.0\.1/);
  });

  test('is in force at the next start, with its age', async () => {
    await keepOnce();
    const { kids, why, one } = await restart({ laterMs: HOUR });
    assert.deepEqual([kids, why, one.set.ageSeconds], [['a'], undefined, 3600]);
    assert.deepEqual(one.enforced, [['a']]);
  });

  test('ends when it would have ended without a restart', async () => {
    await keepOnce();
    server.keys = status(503);
    const one = subject({ changes: { staleMs: 2 * HOUR } });
    one.time.stepWall(HOUR);
    await one.set.load();
    one.time.advance(HOUR - 1);
    assert.equal(one.set.hasKeys, true);
    one.time.advance(1);
    assert.equal(one.set.hasKeys, false);
    await one.set.close();
    const { kids, why } = await restart({ laterMs: 2 * HOUR, changes: { staleMs: 2 * HOUR } });
    assert.deepEqual([kids, why], [[], 'the file is older than keys.stale allows']);
  });

  test('is written anew with each success, and kept after a failure', async () => {
    const one = subject();
    await one.start();
    one.time.advance(HOUR);
    await one.settled();
    server.keys = status(500);
    await one.next();
    await one.set.close();
    const { fetchedAt } = JSON.parse(readFileSync(file, 'utf8')) as { fetchedAt: number };
    assert.equal(fetchedAt, one.time.wall() - HOUR);
  });

  test('has no fetch to wait for: without a kept set nothing is in force and nothing is logged', async () => {
    const { kids, why, one } = await restart();
    assert.deepEqual([kids, why, one.log.take()], [[], undefined, []]);
  });
});

describe('a kept file is ignored, with a log line,', () => {
  const edit = (change: (kept: Record<string, unknown>) => unknown): void => {
    writeFileSync(
      file,
      JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>)),
    );
  };
  for (const [name, break_, reason] of [
    ['when it is empty', () => writeFileSync(file, ''), 'the file is not JSON'],
    [
      'when it is cut',
      () => writeFileSync(file, readFileSync(file).subarray(0, 100)),
      'the file is not JSON',
    ],
    ['when it is a list', () => writeFileSync(file, '[]'), 'the file is no kept key set'],
    [
      'when it is a bare key set',
      () => writeFileSync(file, JSON.stringify({ keys: [a] })),
      'the file was kept for another issuer or from another source',
    ],
    [
      'of another version',
      () => edit((kept) => ({ ...kept, version: 2 })),
      'the file was kept for another issuer or from another source',
    ],
    [
      'of another issuer',
      () => edit((kept) => ({ ...kept, issuer: 'x' })),
      'the file was kept for another issuer or from another source',
    ],
    [
      'of another iss',
      () => edit((kept) => ({ ...kept, iss: 'x' })),
      'the file was kept for another issuer or from another source',
    ],
    ['without a time', () => edit(({ fetchedAt: _, ...kept }) => kept), 'the file has no time'],
    [
      'from the future',
      () => edit((kept) => ({ ...kept, fetchedAt: 1e15 })),
      'the file is dated in the future',
    ],
    [
      'without keys',
      () => edit(({ keys: _, ...kept }) => kept),
      'the file is not a key set; must be a JWKS such as {"keys": [...]}',
    ],
    [
      'with no usable key',
      () => edit((kept) => ({ ...kept, keys: [{ kty: 'oct', k: 'AAAA' }] })),
      'the file holds no usable key',
    ],
    [
      'that is huge',
      () => writeFileSync(file, ' '.repeat(2 * 1024 * 1024 + 1)),
      'the file is larger than 2097152 bytes',
    ],
  ] as const) {
    test(name, async () => {
      await keepOnce();
      break_();
      const { kids, why, one } = await restart();
      assert.deepEqual([kids, why], [[], reason]);
      assert.deepEqual(one.enforced, []);
    });
  }

  test('that came from another address', async () => {
    await keepOnce();
    const { kids, why } = await restart({ changes: { url: server.url('/other') } });
    assert.deepEqual([kids, why], [[], 'the file was kept for another issuer or from another source']);
  });
});

test('a reader gets the keys that would be in force, and leaves no trace', async () => {
  const one = subject();
  await one.set.fetchOnce();
  assert.deepEqual(one.set.kids, ['a']);
  assert.equal(one.set.refetch(), undefined);
  await one.set.close();
  assert.equal(existsSync(folder), false);
  assert.deepEqual(one.time.pending, []);

  await keepOnce();
  const kept = readFileSync(file, 'utf8');
  server.keys = status(503);
  const later = subject();
  await later.set.fetchOnce();
  assert.deepEqual(later.set.kids, ['a']);
  assert.match(later.set.lastError ?? '', /status 503/);
  assert.equal(later.time.pending.length, 1, 'the end of the kept keys, and no retry');
  await later.set.close();
  assert.equal(readFileSync(file, 'utf8'), kept);
});

test("an issuer's name cannot lead out of the folder, and no two lead to one file", () => {
  const store = new KeySetStore('/state');
  const all = remoteKeys('https://idp/a');
  const pinned = remoteKeys('https://idp/a', { algorithms: ['RS256'] });
  const other = remoteKeys('https://idp/b', { algorithms: ['RS256'] });
  const names = ['a', 'A', '..', '../a', 'a/b', 'a%2Fb', '.', 'a\0b', 'ä'];
  const files = names.flatMap((name) =>
    [all, pinned, other].map((remote) => store.fileOf(issuer({ name, keys: [] }), remote)),
  );
  for (const path of files) assert.match(path, /^\/state\/keyset-[^/\0]+\.json$/);
  assert.equal(new Set(files).size, 3 * names.length);
  assert.equal(store.fileOf(issuer({ name: 'a', keys: [] }), all), '/state/keyset-a.json');
});

test('a folder that cannot be written costs a log line, once, and no keys', async () => {
  const blocked = join(root, 'blocked');
  writeFileSync(blocked, '');
  const one = subject({ store: new KeySetStore(join(blocked, 'state')) });
  await one.start();
  await one.next();
  await one.set.close();
  assert.deepEqual(one.set.kids, ['a']);
  assert.deepEqual(one.log.take(), ['info the key set has changed', 'error the key set cannot be kept']);
});
