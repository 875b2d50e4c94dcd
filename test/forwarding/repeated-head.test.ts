import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { grant } from '../../src/auth/permit.ts';
import type { Permit } from '../../src/auth/verdict.ts';
import { type Forwarded, RequestWriter } from '../../src/forwarding/request-writer.ts';
import { PASSED } from '../../src/http/field-names.ts';
import type { RequestHead, RequestLines } from '../../src/http/message.ts';
import { Networks } from '../../src/http/networks.ts';
import { bareHead } from '../support/scripted-front.ts';

const everything: Forwarded = new Set(['for', 'proto', 'host'] as const);
const nothing: Forwarded = new Set();
const fields = {
  names: ['host', 'authorization', 'x-forwarded-for'],
  values: ['a', 'Bearer t', '192.0.2.9'],
};
const head: RequestHead = { ...bareHead, ...fields, authorization: 'Bearer t', authorizationCount: 1 };
const repeated = (): RequestHead => ({ ...head, repeats: { written: undefined } });

function writer(trusted = false): RequestWriter {
  const network = { address: '10.0.0.0', family: 'ipv4', prefix: 8 } as const;
  return new RequestWriter({
    identityNames: ['x-user-id'],
    methodsMatter: false,
    loopMark: 'mark',
    trustedProxies: trusted ? new Networks([network]) : undefined,
  });
}

type Parts = Parameters<RequestWriter['write']>;
const alice = grant('x-user-id: alice\r\n', false);

describe('a head that repeats', () => {
  test('is written once for the same permit, peer and scheme', () => {
    const one = writer();
    const parts: Parts = [alice, repeated(), everything, '192.0.2.1', 'https'];
    const lines = one.write(...parts);
    assert.equal(one.write(...parts), lines);
    assert.deepEqual(lines, writer().write(alice, head, everything, '192.0.2.1', 'https'));
    assert.match((lines as RequestLines).text, /\r\nx-user-id: alice\r\n/);
  });

  test('is written anew for whatever else its lines depend on, and then for the first again', () => {
    const first = writer();
    type Case = [Permit, Forwarded, string, 'http' | 'https', RequestWriter];
    const usual: Case = [alice, everything, '192.0.2.1', 'https', first];
    const others: Case[] = [
      [grant('x-user-id: bob\r\n', false), everything, '192.0.2.1', 'https', first],
      [grant('x-user-id: alice\r\n', true), everything, '192.0.2.1', 'https', first],
      [alice, nothing, '192.0.2.1', 'https', first],
      [alice, everything, '10.0.0.1', 'https', first],
      [alice, everything, '192.0.2.1', 'http', first],
      [alice, everything, '10.0.0.1', 'https', writer(true)],
    ];
    const seen = new Set<string>();
    const room = repeated();
    for (const [permit, forwarded, address, scheme, by] of [usual, ...others, usual]) {
      const lines = by.write(permit, room, forwarded, address, scheme) as RequestLines;
      assert.deepEqual(lines, by.write(permit, head, forwarded, address, scheme));
      seen.add(lines.text);
    }
    assert.equal(seen.size, 1 + others.length);
  });

  test('is refused each time that it has passed this gateway', () => {
    const by = writer();
    const passed: RequestHead = { ...repeated(), names: [PASSED], values: ['mark'] };
    for (let time = 0; time < 2; time += 1)
      assert.equal(by.write(alice, passed, everything, '192.0.2.1', 'http'), 'loop_detected');
  });
});
