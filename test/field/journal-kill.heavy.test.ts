// Source: an adversarial review, turned on the mending: a log of revocations whose process is killed while it is written anew.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Journal } from '../../src/revocation/journal.ts';
import { silentLog } from '../support/gateway.ts';

const ROUNDS = 40;
const module = pathToFileURL(join(import.meta.dirname, '..', '..', 'src', 'revocation', 'journal.js')).href;

/** Appends for ever, few in force and many lines, and prints the number of each confirmed one. */
const writer = `
import { Journal } from ${JSON.stringify(module)};
const log = { debug() {}, info() {}, warn() {}, error() {} };
const journal = new Journal(process.argv[1], log, 1_000);
const live = new Map();
const of = (sub, before) => ({ issuer: undefined, jti: undefined, sub, sid: undefined, application: undefined, before, expiresAt: 4e9 });
let next = 0;
await journal.open((one) => {
  live.set(one.sub, one);
  next = Math.max(next, one.before);
});
journal.keeps(() => live.values(), () => live.size);
for (;;) {
  const some = Array.from({ length: 300 }, (_, index) => of('user ' + (index % 50), ++next));
  for (const one of some) live.set(one.sub, one);
  await journal.append(some);
  process.stdout.write(next + '\\n');
}
`;

test('a log that is killed during a rewrite has every confirmed revocation, and no damage', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  try {
    let confirmed = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', writer, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let printed = '';
      const enough = 4 + (round % 7);
      await new Promise<void>((resolve) => {
        child.stdout.on('data', (piece: Buffer) => {
          printed += piece.toString();
          if (printed.split('\n').length > enough) resolve();
        });
      });
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
      confirmed = Number(printed.slice(0, printed.lastIndexOf('\n')).split('\n').at(-1));
      const journal = new Journal(folder, silentLog, 1_000);
      const latest = new Map<string | undefined, number>();
      const { damagedCount } = await journal.open(({ sub, before }) => {
        latest.set(sub, Math.max(before, latest.get(sub) ?? 0));
      });
      await journal.close();
      assert.equal(damagedCount, 0);
      assert.equal(latest.size, 50);
      assert.ok(Math.max(...latest.values()) >= confirmed, `${confirmed} was confirmed`);
      for (const before of latest.values()) assert.ok(before > confirmed - 50);
    }
    assert.ok(confirmed > 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
