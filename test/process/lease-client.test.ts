import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Lease } from '../../src/limits/lease.ts';
import { LeaseClient } from '../../src/process/lease-client.ts';

let now: number;
let asked: number[];
let raised: number[];
let lessee: LeaseClient;

beforeEach(() => {
  now = 0;
  asked = [];
  raised = [];
  const lease: Lease = { limit: 10, step: 4, raise: (amount) => raised.push(amount), lower: () => 0 };
  lessee = new LeaseClient({
    leases: () => new Map([['bodies', lease]]),
    ask: (_key, wanted) => asked.push(wanted),
    clock: { monotonic: () => now, wall: () => now },
  });
});

describe('a process whose share of a limit runs short', () => {
  test('requests a step, or more when it knows that it needs more', () => {
    lessee.want('bodies');
    lessee.granted('bodies', 4);
    lessee.want('bodies', 3);
    lessee.granted('bodies', 4);
    lessee.want('bodies', 100);
    assert.deepEqual(asked, [4, 4, 100]);
  });

  test('has one request at a time', () => {
    lessee.want('bodies');
    lessee.want('bodies');
    now = 1_000_000;
    lessee.want('bodies', 100);
    assert.deepEqual(asked, [4]);
  });

  test('repeats its request at once when it was given something, and after 50 ms when it was not', () => {
    lessee.want('bodies');
    lessee.granted('bodies', 1);
    lessee.want('bodies');
    lessee.granted('bodies', 0);
    now = 49;
    lessee.want('bodies');
    assert.equal(asked.length, 2);
    now = 50;
    lessee.want('bodies');
    assert.equal(asked.length, 3);
  });

  test('reports every reply, because a body may wait for it', () => {
    lessee.want('bodies');
    lessee.granted('bodies', 0);
    assert.deepEqual(raised, [0]);
  });

  test('requests nothing that is not shared', () => {
    lessee.want('other');
    assert.deepEqual(asked, []);
  });
});
