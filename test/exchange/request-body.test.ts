import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { RequestBody } from '../../src/exchange/request-body.ts';
import { Turn } from '../../src/lib/turn.ts';
import { Budget } from '../../src/limits/budget.ts';
import { BodyCopies } from '../../src/upstream/body-copies.ts';
import type { Connection } from '../../src/upstream/h1/connection.ts';
import { bareHead, ScriptedStream } from '../support/scripted-front.ts';

const MIB = 1024 * 1024;

let told: string[];
let asked: number;
let budget: Budget;

beforeEach(() => {
  told = [];
  asked = 0;
  budget = new Budget(16 * MIB, () => {
    asked += 1;
  });
});

function body(chunked: boolean): RequestBody {
  const client = new ScriptedStream(bareHead, told);
  // Calls that would not change anything count too.
  client.pauseBody = () => told.push('pause');
  client.resumeBody = () => told.push('resume');
  const rules = {
    budget,
    copies: new BodyCopies(),
    turn: new Turn(),
    requestBodyLimit: Number.POSITIVE_INFINITY,
    bodyMinRate: 0,
  };
  return new RequestBody(chunked, rules, client, 0);
}

/** Takes everything at once. */
const connection = {
  upload: () => true,
  uploadNow: (bytes: Uint8Array) => bytes.length,
  keepsUpload: false,
  endUpload() {},
} as unknown as Connection;

describe('a body that may need more than the share of this process', () => {
  test('is not read until other processes have offered theirs, whatever upstream takes', () => {
    const one = body(false);
    one.expect(100 * MIB);
    assert.deepEqual([told, asked], [['pause'], 1]);
    one.attach(connection);
    assert.equal(one.take(new Uint8Array(MIB), false), undefined);
    assert.deepEqual(told, ['pause']);
    budget.raise(0);
    assert.deepEqual(told, ['pause', 'resume']);
    one.drop();
  });

  test('waits for its connection, too', () => {
    const one = body(false);
    one.expect(100 * MIB);
    budget.raise(0);
    assert.deepEqual(told, ['pause']);
    one.attach(connection);
    assert.deepEqual(told, ['pause', 'resume']);
    one.drop();
  });

  test('of unknown length is recognized by a large piece', () => {
    const one = body(true);
    one.expect(0);
    one.attach(connection);
    told.length = 0;
    one.take(new Uint8Array(1000), false);
    assert.deepEqual([told, asked], [[], 0]);
    one.take(new Uint8Array(64 * 1024), false);
    assert.deepEqual([told, asked], [['pause'], 1]);
    one.take(new Uint8Array(64 * 1024), false);
    assert.equal(asked, 1);
    budget.raise(0);
    assert.deepEqual(told, ['pause', 'resume']);
    one.drop();
  });

  test('is not reported when its end comes first', () => {
    const one = body(false);
    one.expect(100 * MIB);
    one.drop();
    budget.raise(0);
    assert.deepEqual(told, ['pause']);
  });
});

test('a body with room for it is read at once', () => {
  const one = body(false);
  one.expect(10 * MIB);
  one.attach(connection);
  assert.deepEqual([told, asked], [['resume'], 0]);
  one.drop();
});
