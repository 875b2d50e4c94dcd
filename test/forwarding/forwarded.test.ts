import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clientAddress, forwardedFor, readForwarded } from '../../src/forwarding/forwarded.ts';
import { bytesAsSent, type RequestHead } from '../../src/http/message.ts';
import { Networks, parseNetwork } from '../../src/http/networks.ts';

function headOf(...lines: readonly (readonly [name: string, value: string])[]): RequestHead {
  return {
    method: 'GET',
    path: '/',
    query: undefined,
    names: lines.map(([name]) => name),
    values: lines.map(([, value]) => value),
    host: 'a.example',
    authorization: undefined,
    authorizationCount: 0,
    charset: bytesAsSent,
    framing: 'none',
    contentLength: 0,
    close: false,
    fault: undefined,
  };
}

const told = (...values: string[]): string =>
  readForwarded(headOf(...values.map((value) => ['x-forwarded-for', value] as const))).hops.join(', ');

describe('the hops of X-Forwarded-For', () => {
  for (const list of [
    '203.0.113.7',
    '203.0.113.7, 198.51.100.2',
    '2001:db8::7, 198.51.100.2',
    '[2001:db8::7], [2001:db8::7]:4711, 203.0.113.7:4711',
    '::ffff:203.0.113.7',
    'unknown, 203.0.113.7',
  ]) {
    test(`${list}: all`, () => assert.equal(told(list), list));
  }

  for (const [list, kept] of [
    ['', ''],
    [' 203.0.113.7 ,\t198.51.100.2 ', '203.0.113.7, 198.51.100.2'],
    [',203.0.113.7,, ,198.51.100.2,', '203.0.113.7, 198.51.100.2'],
    ['rubbish, 203.0.113.7', '203.0.113.7'],
    ['198.51.100.2, rubbish, 203.0.113.7', '203.0.113.7'],
    ['203.0.113.7, rubbish', ''],
    ['1.2.3, 203.0.113.7', '203.0.113.7'],
    ['1.2.3.256', ''],
    ['01.2.3.4', ''],
    ['1.2.3.4:', ''],
    ['1.2.3.4:123456', ''],
    ['2001:db8::7:::1', ''],
    ['[1.2.3.4]', ''],
    ['[2001:db8::7', ''],
    ['fe80::1%eth0', ''],
    ['fe80::1%eth0\u00e9', ''],
    ['_hidden', ''],
    ['"1.2.3.4"', ''],
    ['for=1.2.3.4', ''],
    ['UNKNOWN', ''],
    ['1.2.3.4 5.6.7.8', ''],
    ['\u0661.2.3.4', ''],
  ] as const) {
    test(`${JSON.stringify(list)}: ${kept === '' ? 'none' : kept}`, () => assert.equal(told(list), kept));
  }

  test('several headers are one list, and a malformed entry in one hides the earlier ones of all', () => {
    assert.equal(told('1.1.1.1', '2.2.2.2, 3.3.3.3', '', '4.4.4.4'), '1.1.1.1, 2.2.2.2, 3.3.3.3, 4.4.4.4');
    assert.equal(told('1.1.1.1', '2.2.2.2, x, 3.3.3.3', '4.4.4.4'), '3.3.3.3, 4.4.4.4');
  });

  test('no more than 32, the nearest ones', () => {
    const many = Array.from({ length: 40 }, (_, at) => `10.0.0.${at}`);
    assert.equal(told(many.join(', ')), many.slice(8).join(', '));
    assert.equal(told(...many), many.slice(8).join(', '));
    assert.equal(told(many.slice(8).join(', ')), many.slice(8).join(', '));
  });

  test('are read in linear time', () => {
    const value = ','.repeat(256 * 1024);
    assert.equal(told(`1.1.1.1${value}2.2.2.2`), '1.1.1.1, 2.2.2.2');
    assert.equal(told('1'.repeat(256 * 1024)), '');
  });
});

describe('protocol and host', () => {
  const of = (name: string, ...values: string[]) =>
    readForwarded(headOf(...values.map((value) => [name, value] as const)));

  test('the protocol is http or https, named once', () => {
    for (const proto of ['http', 'https']) assert.equal(of('x-forwarded-proto', proto).proto, proto);
    for (const proto of ['HTTPS', 'wss', 'https,http', 'https;', '']) {
      assert.equal(of('x-forwarded-proto', proto).proto, undefined, proto);
    }
    assert.equal(of('x-forwarded-proto', 'https', 'https').proto, undefined);
    assert.equal(of('x-forwarded-proto', 'https', '').proto, undefined);
  });

  test('the host is host[:port], named once', () => {
    for (const host of ['a.example', 'A.example:8443', '127.0.0.1', '[2001:db8::1]:80', 'a'.repeat(253)]) {
      assert.equal(of('x-forwarded-host', host).host, host);
    }
    for (const host of [
      '',
      'a.example, b.example',
      'a b',
      'a/b',
      'user@a',
      'a:b',
      'a::',
      'a:123456',
      '::1',
      'caf\u00e9',
      'a\tb',
      'a'.repeat(262),
    ]) {
      assert.equal(of('x-forwarded-host', host).host, undefined, host);
    }
    assert.equal(of('x-forwarded-host', 'a.example', 'a.example').host, undefined);
  });

  test('other spellings are not read', () => {
    const { hops, proto, host } = readForwarded(
      headOf(['x_forwarded_for', '1.2.3.4'], ['x-forwarded_proto', 'https'], ['x_forwarded_host', 'b']),
    );
    assert.deepEqual([hops, proto, host], [[], undefined, undefined]);
  });
});

describe('the address of the client', () => {
  const trusted = new Networks(
    ['10.0.0.0/8', '::1'].map((text) => {
      const network = parseNetwork(text);
      assert.ok(!('right' in network));
      return network;
    }),
  );
  const client = (list: string, peer: string, set: Networks | undefined = trusted): string =>
    clientAddress(headOf(['x-forwarded-for', list]), peer, set);

  for (const [name, list, peer, address] of [
    ['the peer, when it is not believed', '1.1.1.1', '203.0.113.7', '203.0.113.7'],
    ['what a proxy says', '203.0.113.7', '10.0.0.1', '203.0.113.7'],
    ['the last that is no proxy', '1.1.1.1, 203.0.113.7, 10.0.0.2', '10.0.0.1', '203.0.113.7'],
    ['the first, when all are proxies', '10.0.0.3, 10.0.0.2', '10.0.0.1', '10.0.0.3'],
    ['the proxy, when it says nothing', '', '10.0.0.1', '10.0.0.1'],
    ['the proxy, when it says rubbish', 'x', '10.0.0.1', '10.0.0.1'],
    ['the proxy, when it will not tell', '1.1.1.1, unknown', '10.0.0.1', '10.0.0.1'],
    ['without brackets and port', '[2001:db8::7]:80, 10.0.0.2:80', '::1', '2001:db8::7'],
    ['without a port', '203.0.113.7:4711', '::1', '203.0.113.7'],
    ['a peer that is not known', '1.1.1.1', 'unknown', 'unknown'],
    ['the peer of a unix socket, which is not believed', '1.1.1.1', 'unix', 'unix'],
  ] as const) {
    test(name, () => assert.equal(client(list, peer), address));
  }

  test('a trusted peer of a unix socket is believed, but not a peer that only claims to be one', () => {
    const set = new Networks([{ family: 'unix' }]);
    assert.equal(client('203.0.113.7', 'unix', set), '203.0.113.7');
    assert.equal(client('', 'unix', set), 'unix');
    assert.equal(client('1.1.1.1, unix', 'unix', set), 'unix');
    assert.equal(client('203.0.113.7', '10.0.0.1', set), '10.0.0.1');
    assert.equal(client('203.0.113.7', 'unknown', set), 'unknown');
  });

  test('the peer, when no proxy is trusted', () => {
    assert.equal(clientAddress(headOf(['x-forwarded-for', '1.1.1.1']), '10.0.0.1', undefined), '10.0.0.1');
  });
});

test('X-Forwarded-For ends with the peer, which adds nothing when it came by a unix socket', () => {
  assert.equal(forwardedFor([], '10.0.0.1'), '10.0.0.1');
  assert.equal(forwardedFor(['1.1.1.1', 'unknown'], '10.0.0.1'), '1.1.1.1, unknown, 10.0.0.1');
  assert.equal(forwardedFor(['1.1.1.1', '2.2.2.2'], 'unix'), '1.1.1.1, 2.2.2.2');
  assert.equal(forwardedFor([], 'unix'), 'unknown');
});
