import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Network, Networks, parseNetwork } from '../../src/http/networks.ts';

function networks(...texts: string[]): Networks {
  return new Networks(
    texts.map((text) => {
      const network = parseNetwork(text);
      assert.ok(!('right' in network), text);
      return network;
    }),
  );
}

const number = (address: string): number =>
  address.split('.').reduce((value, part) => value * 256 + Number(part), 0);
const dotted = (value: number): string =>
  [24, 16, 8, 0].map((by) => Math.floor(value / 2 ** by) % 256).join('.');

describe('parseNetwork', () => {
  test('a single address is a network of one', () => {
    assert.deepEqual(parseNetwork('10.0.0.1'), { address: '10.0.0.1', family: 'ipv4', prefix: 32 });
    assert.deepEqual(parseNetwork('::1'), { address: '::1', family: 'ipv6', prefix: 128 });
  });

  test('accepts an IPv4 network exactly when it begins at its first address', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.integer({ min: 0, max: 32 }), (value, prefix) => {
        const result = parseNetwork(`${dotted(value)}/${prefix}`);
        assert.equal('right' in result, value % 2 ** (32 - prefix) !== 0);
      }),
    );
  });

  for (const [text, fits] of [
    ['::/0', true],
    ['8000::/1', true],
    ['2001:db8::/32', true],
    ['2001:db8:0:0:0:0:0:8000/113', true],
    ['2001:db8:0:0:0:0:0:8000/112', false],
    ['1:2:3:4:5:6:7:8', true],
    ['1:2:3:4:5:6:7:8/127', true],
    ['1:2:3:4:5:6:7:8/124', false],
    ['64:ff9b::192.0.2.0/120', true],
    ['64:ff9b::192.0.2.1/120', false],
    ['::ffff:1.2.3.4', false],
    ['::FFFF:0:0/96', false],
    ['::fffe:1.2.3.4', true],
    ['', false],
    ['/8', false],
    ['10.0.0.0/-1', false],
    ['10.0.0.0/8/8', false],
    ['10.0.0.0/1e1', false],
    ['10.0.0.0 /8', false],
    ['0x0a000000/8', false],
    ['::1\n', false],
  ] as const) {
    test(`${JSON.stringify(text)}: ${fits ? 'a network' : 'none'}`, () => {
      assert.equal('right' in parseNetwork(text), !fits);
    });
  }
});

describe('Networks', () => {
  test('hold the addresses from their first to their last one', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 32 - 1),
        fc.integer({ min: 1, max: 32 }),
        fc.nat(2 ** 32 - 1),
        (base, prefix, other) => {
          const size = 2 ** (32 - prefix);
          const first = base - (base % size);
          const set = networks(`${dotted(first)}/${prefix}`);
          for (const value of [first, first + size - 1, first - 1, first + size, other]) {
            if (value < 0 || value >= 2 ** 32) continue;
            const inside = value >= first && value < first + size;
            assert.equal(set.has(dotted(value)), inside);
            assert.equal(set.has(`::ffff:${dotted(value)}`), inside);
            assert.equal(number(dotted(value)), value);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test('hold IPv6 addresses in every spelling', () => {
    const set = networks('2001:db8::/32', '::1');
    for (const address of [
      '2001:DB8::1',
      '2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff',
      '::1',
      '0:0:0:0:0:0:0:1',
    ]) {
      assert.equal(set.has(address), true, address);
    }
    for (const address of ['2001:db9::', '2001:db7:ffff::', '::2', '::', '0.0.0.1']) {
      assert.equal(set.has(address), false, address);
    }
  });

  test('of IPv6 hold no IPv4 peer, those of IPv4 no other IPv6 peer', () => {
    assert.equal(networks('::/0').has('10.0.0.1'), false);
    assert.equal(networks('::/0').has('::1'), true);
    assert.equal(networks('0.0.0.0/0').has('::1'), false);
    assert.equal(networks('10.0.0.0/8').has('::10.0.0.1'), false);
  });

  test('hold only addresses', () => {
    const set = networks('0.0.0.0/0', '::/0');
    for (const text of ['unknown', '', '10.0.0', '10.0.0.1:80', '[::1]'])
      assert.equal(set.has(text), false, text);
  });

  test('hold the peers of unix sockets if unix is named, and then no address', () => {
    assert.deepEqual(parseNetwork('unix'), { family: 'unix' });
    assert.equal(networks('0.0.0.0/0', '::/0').has('unix'), false);
    assert.equal(networks('10.0.0.0/8', 'unix').has('unix'), true);
    for (const text of ['10.0.0.1', '::1', 'unknown', '', 'UNIX', 'unix:'])
      assert.equal(networks('unix').has(text), false, text);
  });

  test('may be empty', () => {
    assert.equal(new Networks([] satisfies Network[]).has('10.0.0.1'), false);
  });
});
