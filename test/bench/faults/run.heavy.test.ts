import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../../support/programs.ts';

const program = fileURLToPath(new URL('../../../bench/faults/run.js', import.meta.url));

function run(args: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

describe('the trial of faults', () => {
  it('refuses unknown options', async () => {
    for (const [args, reason] of [
      [['--fault', 'bored'], /--fault: bored is not one of killed, stopped, 503/],
      [['--gateway', 'nginx'], /--gateway: nginx is not one of portcullis, haproxy/],
      [['--rate', '0'], /--rate: 0 is not a whole number above 0/],
      [['--turbo'], /--turbo/],
    ] as const) {
      const { code, stderr } = await run(args);
      assert.equal(code, 64, args.join(' '));
      assert.match(stderr, reason);
      assert.match(stderr, /usage: npm run faults/);
    }
  });

  it('plays a fault and its end, and counts what it did', needs('openssl'), async () => {
    const { code, stdout, stderr } = await run([
      '--fault',
      'killed,certificate',
      '--gateway',
      'portcullis',
      '--rounds',
      '1',
      '--rate',
      '100',
    ]);
    assert.equal(code, 0, stdout + stderr);
    for (const fault of ['killed', 'certificate']) {
      const [, told = ''] = new RegExp(`^${fault} portcullis: (\\{.*)$`, 'm').exec(stdout) ?? [];
      const outcome = JSON.parse(told);
      assert.equal(outcome.failed.elsewhere, 0, told);
      assert.ok(outcome.requests > 500, told);
      assert.ok(outcome.againMs > 0, told);
      assert.match(stdout, new RegExp(`^\\| ${fault} \\| portcullis \\|`, 'm'));
    }
  });
});
