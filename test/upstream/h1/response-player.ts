import assert from 'node:assert/strict';
import type { ResponseEvents, ResponseHead } from '../../../src/upstream/h1/response-head.ts';
import { ResponseParser } from '../../../src/upstream/h1/response-parser.ts';
import type { SpareHeadReader } from '../../../src/upstream/h1/spare-head-reader.ts';
import type { Outcome } from './response-row.ts';

/** Bytes of other messages, which surround the pushed ones in a read buffer. */
const NEIGHBOURS = 24;
const neighbours = Buffer.alloc(NEIGHBOURS, '\r\n\r\nHTTP/1.1 200 OK\r\nX: y');

/** Records what a parser delivers and checks each event against the rules of the interface. */
export class Player implements ResponseEvents {
  readonly parser: ResponseParser;
  /** Pieces pushed of the last message: all of them, or those up to the fault. */
  pushes = 0;
  #head: ResponseHead | undefined;
  #body: string[] = [];
  #complete = false;
  #pushed: Buffer = neighbours;
  #length = 0;

  /** @param spare shared with other players; a new one by default. */
  constructor(limit: number, spare?: SpareHeadReader) {
    this.parser = new ResponseParser(this, { head: limit }, spare);
  }

  /** Pushes the pieces as one message, each in its own buffer that is overwritten afterwards. */
  play(pieces: Iterable<Buffer>, options: { readonly method: string; readonly eof: boolean }): Outcome {
    const { parser } = this;
    this.#head = undefined;
    this.#body = [];
    this.#complete = false;
    this.pushes = 0;
    parser.start(options.method);
    assert.equal(parser.started, false);
    let excess = '';
    let used = 0;
    for (const piece of pieces) {
      const ended = this.#complete;
      this.pushes += 1;
      this.#pushed = Buffer.concat([piece, neighbours]);
      this.#length = piece.length;
      used = parser.push(this.#pushed, piece.length);
      this.#pushed.fill('\xee', 'latin1');
      assert.ok(parser.started || piece.length === 0);
      if (used < 0) break;
      assert.ok(used <= piece.length);
      assert.ok(!ended || used === 0, 'nothing is taken behind the message');
      assert.ok(used === piece.length || this.#complete, 'all is taken before the end');
      excess += piece.toString('latin1', used);
    }
    assert.equal(used < 0, parser.fault !== undefined);
    if (parser.fault !== undefined) {
      assert.equal(parser.push(neighbours, 1), -1, 'nothing is taken behind a fault');
    }
    if (options.eof) {
      const before = this.#complete;
      assert.equal(parser.finish(), this.#complete && !before);
      assert.equal(parser.finish(), false, 'a message ends once');
    }
    const rest = { body: this.#body.join(''), complete: this.#complete, excess, fault: parser.fault };
    const head = this.#head as ResponseHead | undefined;
    if (head === undefined) return rest;
    const [status = '', ...headers] = head.lines.split('\r\n');
    return {
      status,
      headers: headers.join('\r\n'),
      framing: head.framing,
      length: head.contentLength,
      keepAlive: head.keepAlive,
      keepSeconds: head.keepSeconds,
      keepRequests: head.keepRequests,
      eightBit: head.eightBit,
      ...rest,
    };
  }

  onHead(head: ResponseHead): void {
    assert.equal(this.#head, undefined);
    this.#head = head;
    assert.ok(head.status >= 200 && head.status <= 999);
    // The client gets lines that cannot be taken for anything but headers.
    const [status = '', ...headers] = head.lines.split('\r\n');
    assert.match(status, /^\d{3} [\t\x20-\x7e\x80-\xff]*$/);
    assert.equal(Number(status.slice(0, 3)), head.status);
    for (const line of headers) {
      assert.match(
        line,
        /^[!#$%&'*+.^_`|~0-9A-Za-z-]+: (?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/,
      );
    }
    assert.equal(head.eightBit, /[\x80-\xff]/.test(head.lines));
  }

  onBody(chunk: Uint8Array): void {
    assert.ok(this.#head !== undefined && !this.#complete);
    assert.ok(chunk.length > 0);
    assert.equal(chunk.buffer, this.#pushed.buffer);
    const from = chunk.byteOffset - this.#pushed.byteOffset;
    assert.ok(from >= 0 && from + chunk.length <= this.#length, 'the view stays inside the pushed bytes');
    this.#body.push(Buffer.from(chunk).toString('latin1'));
  }

  onComplete(): void {
    assert.ok(this.#head !== undefined && !this.#complete);
    this.#complete = true;
  }
}

/** The bytes cut at these offsets, which must ascend. */
export function cut(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const to of [...offsets, bytes.length]) {
    pieces.push(bytes.subarray(from, to));
    from = to;
  }
  return pieces;
}
