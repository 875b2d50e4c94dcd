import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, overlap, parseAddress, parseServer } from '../../src/config/schema/address.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/config/schema/units.ts';

test('durations are numbers with a unit, in milliseconds', () => {
  const expected: readonly (readonly [string, number | undefined])[] = [
    ['250ms', 250],
    ['5s', 5_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['0s', 0],
    ['05s', 5_000],
    ['5', undefined],
    ['5 s', undefined],
    ['1.5s', undefined],
    ['-1s', undefined],
    ['1d', undefined],
    ['1S', undefined],
    ['', undefined],
    ['5s\n', undefined],
  ];
  for (const [text, value] of expected) assert.equal(parseDuration(text), value, JSON.stringify(text));
});

test('sizes are bytes, or numbers with a binary unit', () => {
  const expected: readonly (readonly [string, number | undefined])[] = [
    ['16KiB', 16_384],
    ['1MiB', 1_048_576],
    ['2GiB', 2_147_483_648],
    ['100', 100],
    ['100B', 100],
    ['1KB', undefined],
    ['1k', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['-1', undefined],
  ];
  for (const [text, value] of expected) assert.equal(parseSize(text), value, JSON.stringify(text));
});

test('bounds are shown in the unit that a user would write', () => {
  assert.deepEqual([0, 250, 5_000, 600_000, 5_400_000].map(formatDuration), [
    '0s',
    '250ms',
    '5s',
    '10m',
    '90m',
  ]);
  assert.deepEqual([0, 100, 4096, 1_048_576].map(formatSize), ['0 bytes', '100 bytes', '4KiB', '1MiB']);
});

test('addresses are a host and a port, in one canonical form', () => {
  const expected: readonly (readonly [string, string | undefined])[] = [
    ['0.0.0.0:8080', '0.0.0.0:8080'],
    ['LOCALHOST:0', 'localhost:0'],
    ['[::]:80', '[::]:80'],
    ['[0:0:0:0:0:0:0:1]:80', '[::1]:80'],
    [':80', '0.0.0.0:80'],
    ['host:65535', 'host:65535'],
    ['host:65536', undefined],
    ['host:080', undefined],
    ['host', undefined],
    ['host:', undefined],
    ['::1:80', undefined],
    ['[127.0.0.1]:80', undefined],
    ['[::1%lo]:80', undefined],
    ['127.1:80', undefined],
    ['256.0.0.1:80', undefined],
    ['010.0.0.1:80', undefined],
    ['0x7f.0.0.0x1:80', undefined],
    ['a b:80', undefined],
    ['-a:80', undefined],
    ['unix:/tmp/x', undefined],
  ];
  for (const [text, canonical] of expected) {
    const address = parseAddress(text);
    assert.equal(address === undefined ? undefined : formatAddress(address), canonical, text);
  }
});

test('servers are http or https URLs without anything after the port', () => {
  assert.deepEqual(parseServer('http://127.0.0.1:9000'), { host: '127.0.0.1', port: 9000 });
  assert.deepEqual(parseServer('HTTP://App.Internal/'), { host: 'app.internal', port: 80 });
  assert.deepEqual(parseServer('https://h'), { host: 'h', port: 443 });
  assert.deepEqual(parseServer('https://[::1]:8443/'), { host: '::1', port: 8443 });
  assert.deepEqual(parseServer('http://[::1]'), { host: '::1', port: 80 });
  for (const text of [
    'http://h/p',
    'https://h/p',
    'https://h:0',
    'httpss://h',
    'http://h?q',
    'http://u:p@h',
    'http://:80',
    'http://h:0',
    'http:h',
    'http:\\\\h',
    'ftp://h',
    'h:1',
  ]) {
    assert.equal(parseServer(text), undefined, text);
  }
});

test('a wildcard covers the addresses of its family on the same port', () => {
  const both = (a: string, b: string) =>
    overlap(parseAddress(a) ?? assert.fail(), parseAddress(b) ?? assert.fail());
  assert.equal(both('0.0.0.0:80', '127.0.0.1:80'), true);
  assert.equal(both('[::1]:80', '[::]:80'), true);
  assert.equal(both('127.0.0.1:80', '127.0.0.1:80'), true);
  assert.equal(both('127.0.0.1:0', '127.0.0.1:0'), false);
  assert.equal(both('127.0.0.1:80', '127.0.0.1:81'), false);
  assert.equal(both('[::]:80', '0.0.0.0:80'), false);
});

test('a unix socket overlaps only with itself', () => {
  const socket = { path: '/run/x' };
  assert.equal(overlap(socket, { path: '/run/x' }), true);
  assert.equal(overlap(socket, { path: '/run/y' }), false);
  assert.equal(overlap(socket, { host: '0.0.0.0', port: 80 }), false);
  assert.equal(overlap({ host: '0.0.0.0', port: 80 }, socket), false);
});
