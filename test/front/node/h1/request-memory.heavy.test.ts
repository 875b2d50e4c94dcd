import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { HeadParser } from '../../../../src/front/node/h1/head-parser.ts';
import { RequestReader } from '../../../../src/front/node/h1/request-reader.ts';
import { usualLimits } from './request-player.ts';
import { get } from './request-row.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Bytes that are in use, buffers included. */
function used(): number {
  // V8 sweeps buffers beside the program; a second collection waits for the end of the first.
  gc();
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Bytes of a head with a usual token. */
const HEAD = 1157;
const CONNECTIONS = 10_000;

const terms = { limits: usualLimits, parser: new HeadParser() };
const address = { scheme: 'http', localHost: 'localhost' } as const;
const shared = Buffer.allocUnsafeSlow(65_536);
terms.parser.view(shared);

/** @param text latin1. */
function read(reader: RequestReader, text: string): void {
  shared.write(text, 'latin1');
  reader.read(shared, 0, text.length);
}

function headWith(mark: string, length: number): string {
  const text = get(`X-Mark: ${mark}`, 'Authorization: Bearer ');
  return text.replace('Bearer ', `Bearer ${'a'.repeat(length - text.length)}`);
}

test('an idle connection costs less than 1 KB, whatever it has read', () => {
  // The memos of a front take their room once.
  const readers = Array.from({ length: CONNECTIONS }, () => new RequestReader(terms, address));
  const serve = (): void => {
    readers.forEach((reader, at) => {
      for (let count = 0; count < 3; count += 1) {
        read(reader, headWith(`${at}`, HEAD));
        assert.equal(reader.step, 'head');
        reader.takeHead();
      }
    });
  };
  serve();
  readers.length = 0;
  const before = used();
  for (let at = 0; at < CONNECTIONS; at += 1) readers.push(new RequestReader(terms, address));
  serve();
  const each = (used() - before) / CONNECTIONS;
  assert.ok(each < 1024, `${each} bytes`);
  assert.equal(readers.length, CONNECTIONS);
});

test('a connection in mid-head costs what it has sent and little more, and nothing once it is read', () => {
  const readers = Array.from({ length: 1000 }, () => new RequestReader(terms, address));
  const text = headWith('x', 8000);
  const before = used();
  for (const reader of readers) read(reader, text.slice(0, 7000));
  const held = (used() - before) / readers.length;
  assert.ok(held > 7000 && held < 16_384, `${held} bytes held`);
  for (const reader of readers) {
    read(reader, text.slice(7000));
    assert.equal(reader.step, 'head');
    reader.takeHead();
  }
  const left = (used() - before) / readers.length;
  assert.ok(left < 1024, `${left} bytes left`);
});

test('a token that is kept does not keep the rest of its head', () => {
  const reader = new RequestReader({ ...terms, limits: { requestHead: 65_536, headerFields: 100 } }, address);
  const tokens: (string | undefined)[] = [];
  const before = used();
  for (let count = 0; count < 2000; count += 1) {
    read(reader, get(`X: ${'x'.repeat(16_000)}`, `Authorization: Bearer ${count} and some more`));
    tokens.push(reader.takeHead().authorization);
  }
  const each = (used() - before) / tokens.length;
  assert.ok(each < 1024, `${each} bytes`);
  assert.equal(tokens[7], 'Bearer 7 and some more');
});
