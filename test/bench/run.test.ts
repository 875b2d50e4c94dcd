import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bench } from './program.ts';

describe('the benchmark', () => {
  it('lists its options', async () => {
    const { code, stdout } = await bench(['--help']);
    assert.equal(code, 0);
    assert.match(stdout, /^usage: npm run bench/);
  });

  it('refuses unknown options, and a part of a run for the README', async () => {
    for (const [args, reason] of [
      [['--scenario', 'hit-2'], /--scenario: hit-2 is not one of hit-1, hit-1000, miss/],
      [['--gateway', 'nginx,fastify'], /--gateway: nginx is not one of/],
      [['--compare', 'no-such-revision'], /--compare no-such-revision: /],
      [['--rounds', '1.5'], /--rounds: 1.5 is not a whole number/],
      [['--seconds', '0'], /--seconds: 0 is not a number above 0/],
      [['--load', 'ab'], /--load: ab/],
      [['--turbo'], /--turbo/],
      [['--quick', '--write-readme'], /only a full run/],
      [['--scenario', 'miss', '--write-readme'], /only a full run/],
    ] as const) {
      const { code, stderr } = await bench(args);
      assert.equal(code, 64, args.join(' '));
      assert.match(stderr, reason);
      assert.match(stderr, /usage: npm run bench/);
    }
  });
});
