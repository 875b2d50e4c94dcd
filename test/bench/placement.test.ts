import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Placement, parseCpuList } from '../../bench/placement.ts';

describe('a list of CPUs', () => {
  it('holds numbers and ranges', () => {
    assert.deepEqual(parseCpuList('0\n'), [0]);
    assert.deepEqual(parseCpuList('0-2,8,10-11'), [0, 1, 2, 8, 10, 11]);
    assert.throws(() => parseCpuList('all'), /not a list/);
  });
});

describe('placement', () => {
  it('puts nothing before a command when no process is placed', () => {
    assert.deepEqual(Placement.none().prefix('gateway'), []);
    assert.equal(Placement.none().loadCpus, undefined);
  });

  it('gives the two sides CPUs of their own', () => {
    const placement = Placement.ofThisMachine();
    const cpus = (side: 'gateway' | 'load'): number[] => parseCpuList(placement.prefix(side)[2] ?? '0');
    if (placement.loadCpus === undefined) {
      assert.deepEqual(placement.prefix('load'), []);
      return;
    }
    assert.equal(cpus('load').length, placement.loadCpus);
    assert.deepEqual(
      cpus('gateway').filter((cpu) => cpus('load').includes(cpu)),
      [],
    );
  });
});
