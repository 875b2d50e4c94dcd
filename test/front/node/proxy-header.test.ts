import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import { crc32cWithout } from '../../../src/front/node/crc32c.ts';
import { type ProxyHeader, readProxyHeader } from '../../../src/front/node/proxy-header.ts';
import { binaryHeader, ipv4Addresses, tlv, withChecksum } from '../../support/proxy-header.ts';

const REQUEST = 'GET / HTTP/1.1\r\n';
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const ipv4 = ipv4Addresses([192, 168, 0, 1], [192, 168, 0, 11], 56_324, 443);
const ipv6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('00000000000000000000ffff0a000001', 'hex'),
  Buffer.from([0xdc, 0x04, 0x01, 0xbb]),
]);

/** The header of `bytes`, which is the same whichever piece of it came first, and wants every byte. */
function read(bytes: Buffer): ProxyHeader {
  const whole = readProxyHeader(Buffer.concat([bytes, latin1(REQUEST)]));
  if (whole.kind !== 'header') return whole;
  assert.equal(whole.length, bytes.length);
  for (let end = 0; end < bytes.length; end += 1) {
    assert.deepEqual(readProxyHeader(bytes.subarray(0, end)), { kind: 'more' }, `the first ${end} bytes`);
  }
  assert.deepEqual(readProxyHeader(bytes), whole);
  return whole;
}

function ends(bytes: Buffer): unknown {
  const header = read(bytes);
  return header.kind === 'header' ? header.ends : header.kind;
}

const unknown = { source: 'unknown', destination: undefined };

describe('the PROXY protocol, version 1', () => {
  const rows: readonly (readonly [line: string, ends: unknown])[] = [
    // The example of the specification, and its longest lines.
    [
      'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443',
      { source: '192.168.0.1', destination: '192.168.0.11:443' },
    ],
    [
      'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535',
      { source: '255.255.255.255', destination: '255.255.255.255:65535' },
    ],
    [
      `PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535`,
      { source: `${'ffff:'.repeat(7)}ffff`, destination: `[${'ffff:'.repeat(7)}ffff]:65535` },
    ],
    ['PROXY TCP6 2001:DB8:0::1 ::1 1 0', { source: '2001:db8::1', destination: '[::1]:0' }],
    ['PROXY TCP6 ::ffff:10.0.0.1 ::1 1 2', { source: '10.0.0.1', destination: '[::1]:2' }],
    ['PROXY UNKNOWN', unknown],
    [`PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535`, unknown],
  ];
  for (const [line, wanted] of rows) {
    test(line, () => assert.deepEqual(ends(latin1(`${line}\r\n`)), wanted));
  }

  const wrong: readonly string[] = [
    'GET / HTTP/1.1\r\n',
    '\x16\x03\x01',
    'PROXX',
    'proxy TCP4 192.168.0.1 192.168.0.11 56324 443\r\n',
    'PROXY\tTCP4 192.168.0.1 192.168.0.11 56324 443\r\n',
    'PROXY  TCP4 192.168.0.1 192.168.0.11 56324 443\r\n',
    'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 \r\n',
    'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\n',
    'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\rX',
    'PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n',
    'PROXY TCP4 192.168.0.1 192.168.0.11 56324 65536\r\n',
    'PROXY TCP4 192.168.0.1 192.168.0.11 -1 443\r\n',
    'PROXY TCP4 192.168.0.1 192.168.0.11 056324 443\r\n',
    'PROXY TCP4 192.168.0.01 192.168.0.11 56324 443\r\n',
    'PROXY TCP4 192.168.1 192.168.0.11 56324 443\r\n',
    'PROXY TCP4 unix 192.168.0.11 56324 443\r\n',
    'PROXY TCP4 ::1 ::1 56324 443\r\n',
    'PROXY TCP6 192.168.0.1 192.168.0.11 56324 443\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 56324 443\r\n',
    'PROXY TCP5 192.168.0.1 192.168.0.11 56324 443\r\n',
    'PROXY UDP4 192.168.0.1 192.168.0.11 56324 443\r\n',
    'PROXY \r\n',
    'PROXY UNKNOWN \0\r\n',
    `PROXY UNKNOWN ${'x'.repeat(107)}`,
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
  ];
  for (const text of wrong) {
    test(`refuses ${JSON.stringify(text)}`, () =>
      assert.deepEqual(read(latin1(text)), { kind: 'malformed' }));
  }

  test('takes a line of 107 bytes and no longer one', () => {
    const line = (bytes: number): Buffer => latin1(`${'PROXY UNKNOWN '.padEnd(bytes - 2, 'x')}\r\n`);
    assert.deepEqual(ends(line(107)), unknown);
    assert.deepEqual(readProxyHeader(line(108)), { kind: 'malformed' });
  });

  test('reads one header; a second one belongs to the client', () => {
    const line = 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n';
    const header = readProxyHeader(latin1(line + line));
    assert.ok(header.kind === 'header' && header.length === line.length);
  });
});

describe('the PROXY protocol, version 2', () => {
  const named = { source: '192.168.0.1', destination: '192.168.0.11:443' };
  const alpn = tlv(0x01, 'h2');
  const rows: readonly (readonly [name: string, bytes: Buffer, ends: unknown])[] = [
    ['PROXY over TCP and IPv4', binaryHeader(0x21, 0x11, ipv4), named],
    ['PROXY over UDP and IPv4', binaryHeader(0x21, 0x12, ipv4), named],
    [
      'PROXY over TCP and IPv6',
      binaryHeader(0x21, 0x21, ipv6),
      { source: '2001:db8::1', destination: '10.0.0.1:443' },
    ],
    ['PROXY for a unix socket', binaryHeader(0x21, 0x31, Buffer.alloc(216)), unknown],
    ['PROXY for an unknown family', binaryHeader(0x21, 0x00, Buffer.alloc(0)), unknown],
    ['PROXY for an unknown family with a TLV', binaryHeader(0x21, 0x00, alpn), unknown],
    ['LOCAL', binaryHeader(0x20, 0x00, Buffer.alloc(0)), undefined],
    ['LOCAL with addresses, which count for nothing', binaryHeader(0x20, 0x11, ipv4), undefined],
    ['LOCAL with bytes of no known family', binaryHeader(0x20, 0x77, latin1('whatever')), undefined],
    ['TLVs', binaryHeader(0x21, 0x11, Buffer.concat([ipv4, alpn, tlv(0x04, ''), tlv(0xee, 'x')])), named],
    ['a checksum', withChecksum(0x21, 0x11, Buffer.concat([ipv4, alpn]), tlv(0x04, 'pad')), named],
    [
      'as many bytes as allowed',
      binaryHeader(0x21, 0x11, Buffer.concat([ipv4, tlv(4, 'x'.repeat(4081))])),
      named,
    ],
  ];
  for (const [name, bytes, wanted] of rows) test(name, () => assert.deepEqual(ends(bytes), wanted));

  const sound = withChecksum(0x21, 0x11, ipv4);
  const checksum = sound.subarray(sound.length - 7);
  const flipped = (at: number): Buffer => {
    const copy = Buffer.from(sound);
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
    return copy;
  };
  const wrong: readonly (readonly [name: string, bytes: Buffer])[] = [
    [
      'another signature',
      Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0b]),
    ],
    ['CRLF before a request', latin1('\r\nGET')],
    ['version 1', binaryHeader(0x11, 0x11, ipv4)],
    ['version 3', binaryHeader(0x31, 0x11, ipv4)],
    ['an unassigned command', binaryHeader(0x22, 0x11, ipv4)],
    ['an unassigned family', binaryHeader(0x21, 0x41, ipv4)],
    ['an unassigned transport', binaryHeader(0x21, 0x13, ipv4)],
    ['a family without its transport', binaryHeader(0x21, 0x10, ipv4)],
    ['too few bytes for IPv4', binaryHeader(0x21, 0x11, ipv4.subarray(1))],
    ['too few bytes for IPv6', binaryHeader(0x21, 0x21, ipv6.subarray(1))],
    ['too few bytes for unix sockets', binaryHeader(0x21, 0x31, Buffer.alloc(215))],
    ['half a TLV', binaryHeader(0x21, 0x11, Buffer.concat([ipv4, latin1('\x01\x00')]))],
    [
      'a TLV that is longer than the rest',
      binaryHeader(0x21, 0x11, Buffer.concat([ipv4, latin1('\x01\x00\x03h2')])),
    ],
    ['too many bytes', binaryHeader(0x21, 0x11, Buffer.concat([ipv4, tlv(4, 'x'.repeat(4082))]))],
    ['a wrong checksum', flipped(sound.length - 1)],
    ['an address that was changed on the way', flipped(16)],
    ['a checksum of three bytes', binaryHeader(0x21, 0x11, Buffer.concat([ipv4, tlv(0x03, 'abc')]))],
    ['two checksums', binaryHeader(0x21, 0x11, Buffer.concat([ipv4, checksum, checksum]))],
  ];
  for (const [name, bytes] of wrong) {
    test(`refuses ${name}`, () => assert.deepEqual(read(bytes), { kind: 'malformed' }));
  }
});

test('CRC-32C agrees with the examples of RFC 3720 Appendix B.4', () => {
  const rows: readonly (readonly [bytes: Uint8Array, crc: number])[] = [
    [new Uint8Array(32), 0x8a91_36aa],
    [new Uint8Array(32).fill(0xff), 0x62a8_ab43],
    [Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd_794e],
    [Uint8Array.from({ length: 32 }, (_, at) => 31 - at), 0x113f_db5c],
  ];
  for (const [bytes, crc] of rows) assert.equal(crc32cWithout(bytes, bytes.length), crc);
});
