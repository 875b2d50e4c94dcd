import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { spareOf } from '../../src/limits/lease.ts';
import { type Holder, Leases, type Units } from '../../src/process/leases.ts';

const KEY = 'upstream app';

/** Holds a share as a process does: it offers half of what it does not use. */
class Process implements Holder {
  limit: number;
  used = 0;
  readonly shares: Units;
  /** Resolves late replies. */
  release: (() => void) | undefined;
  silent = false;

  constructor(share: number) {
    this.limit = share;
    this.shares = new Map([[KEY, share]]);
  }

  async lower(_key: string, wanted: number): Promise<number> {
    if (this.silent) await new Promise<void>((resolve) => (this.release = resolve));
    const amount = spareOf(this.limit, this.used, 0, wanted);
    this.limit -= amount;
    return amount;
  }

  raise(_key: string, amount: number): void {
    this.limit += amount;
  }
}

async function begun(total: number, shares: readonly number[]): Promise<[Leases, Process[]]> {
  const leases = new Leases(() => new Map([[KEY, total]]));
  const processes = shares.map((share) => new Process(share));
  for (const one of processes) await leases.begin(one);
  return [leases, processes];
}

const sum = (all: readonly Process[]): number => all.reduce((total, { limit }) => total + limit, 0);

describe('shares of a limit', () => {
  test('grow by what the others do not use, up to the whole', async () => {
    const [leases, all] = await begun(16, [4, 4, 4, 4]);
    const [first] = all as [Process];
    for (let asked = 0; asked < 10; asked += 1) await leases.ask(first, KEY, 16);
    assert.equal(first.limit, 16);
    assert.equal(sum(all), 16);
  });

  test('stay with the processes that use them', async () => {
    const [leases, all] = await begun(4, [2, 2]);
    const [first, second] = all as [Process, Process];
    second.used = 2;
    await leases.ask(first, KEY, 2);
    assert.deepEqual([first.limit, second.limit], [2, 2]);
  });

  test('that the division left over go to the first that asks', async () => {
    const [leases, all] = await begun(3, [0, 0, 0, 0]);
    await leases.ask(all[2] as Process, KEY, 1);
    assert.deepEqual(
      all.map(({ limit }) => limit),
      [0, 0, 1, 0],
    );
  });

  test('of an ended process are for the others, and its successor gets what they can spare', async () => {
    const [leases, all] = await begun(8, [4, 4]);
    const [first, second] = all as [Process, Process];
    leases.end(second);
    await leases.ask(first, KEY, 4);
    assert.equal(first.limit, 8);
    first.used = 6;
    const next = new Process(4);
    await leases.begin(next);
    assert.equal(first.limit, 7);
    assert.equal(next.limit, 1);
  });

  test('do not depend on another process that does not reply, and its late reply is not lost', async () => {
    const [leases, all] = await begun(9, [3, 3, 3]);
    const [first, hung] = all as [Process, Process, Process];
    hung.silent = true;
    await leases.ask(first, KEY, 4);
    assert.equal(first.limit, 5);
    hung.silent = false;
    hung.release?.();
    await leases.ask(first, KEY, 9);
    assert.equal(first.limit, 9);
    assert.equal(sum(all), 9);
  });

  test('that are divided anew are not changed by replies about the older ones', async () => {
    const [leases, all] = await begun(4, [2, 2]);
    const [first, late] = all as [Process, Process];
    late.silent = true;
    const asked = leases.ask(first, KEY, 2);
    await Promise.resolve();
    for (const one of all) one.limit = 2;
    leases.reset();
    await asked;
    late.used = 2; // It has offered nothing of the new share.
    late.release?.();
    late.silent = false;
    await leases.ask(first, KEY, 2);
    assert.deepEqual([first.limit, late.limit], [2, 2]);
  });

  test('are together never more than the whole, through any events', async () => {
    const step = fc.record({
      who: fc.nat(3),
      what: fc.constantFrom('ask', 'use', 'restart'),
      size: fc.nat(9),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.array(step, { maxLength: 40 }),
        async (total, steps) => {
          const share = Math.floor(total / 4);
          const [leases, all] = await begun(total, [share, share, share, share]);
          for (const { who, what, size } of steps) {
            const one = all[who] as Process;
            if (what === 'ask') await leases.ask(one, KEY, size + 1);
            else if (what === 'use') one.used = Math.min(size, one.limit);
            else {
              leases.end(one);
              const next = new Process(share);
              all[who] = next;
              await leases.begin(next);
            }
            assert.ok(sum(all) <= total, `${sum(all)} of ${total}`);
            assert.ok(all.every(({ limit, used }) => limit >= used && limit >= 0));
          }
        },
      ),
      { numRuns: 200, seed: 7 },
    );
  });
});
