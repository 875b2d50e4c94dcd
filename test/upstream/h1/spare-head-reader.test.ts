import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResponseHead } from '../../../src/upstream/h1/response-head.ts';
import { ResponseParser } from '../../../src/upstream/h1/response-parser.ts';
import { SpareHeadReader } from '../../../src/upstream/h1/spare-head-reader.ts';

class Player {
  heads: ResponseHead[] = [];
  body = '';
  ends = 0;
  readonly parser: ResponseParser;

  constructor(spare: SpareHeadReader) {
    this.parser = new ResponseParser(this, { head: 4096 }, spare);
    this.parser.start('GET');
  }
  onHead(head: ResponseHead): void {
    this.heads.push(head);
  }
  onBody(chunk: Uint8Array): void {
    this.body += Buffer.from(chunk).toString('latin1');
  }
  onComplete(): void {
    this.ends += 1;
  }
  push(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    assert.equal(this.parser.push(bytes, bytes.length), bytes.length);
  }
}

const first = 'HTTP/1.1 404 Not Found\r\nX-Name: first\r\nContent-Length: 5\r\n\r\nfirst';
const second =
  'HTTP/1.1 200 OK\r\nX-Name: second\r\nConnection: close, X-Gone\r\nX-Gone: 1\r\nContent-Length: 6\r\n\r\nsecond';

test('connections that share a head reader never mix their heads, with cuts in any place', () => {
  for (let one = 1; one < first.length; one += 1) {
    for (let other = 1; other < second.length; other += 7) {
      const spare = new SpareHeadReader();
      const [a, b, c] = [new Player(spare), new Player(spare), new Player(spare)];
      a.push(first.slice(0, one));
      b.push(second.slice(0, other));
      c.push(first);
      a.push(first.slice(one));
      b.push(second.slice(other));
      for (const player of [a, c]) {
        assert.deepEqual(
          [player.heads.length, player.heads[0]?.status, player.heads[0]?.lines, player.body, player.ends],
          [1, 404, '404 Not Found\r\nX-Name: first', 'first', 1],
        );
        assert.equal(player.heads[0]?.keepAlive, true);
      }
      assert.deepEqual(
        [b.heads.length, b.heads[0]?.status, b.heads[0]?.lines, b.body, b.ends],
        [1, 200, '200 OK\r\nX-Name: second', 'second', 1],
      );
      assert.equal(b.heads[0]?.keepAlive, false);
    }
  }
});
