import { bytesAsSent } from '../../../http/message.ts';
import type { Reason } from '../../../reasons.ts';
import { FieldLines, noWords } from './field-lines.ts';
import { HeadFields } from './head-fields.ts';
import { type HeadMemo, HeadMemos } from './head-memo.ts';
import { AUTHORIZATION, OTHER } from './name-table.ts';
import { refusedHead } from './refused-head.ts';
import type { H1RequestHead } from './request-head.ts';
import { RequestLine } from './request-line.ts';

/**
 * Reads request heads that stand in one buffer, and judges them (RFC 9112 §2 to §6). One parser serves all connections of
 * a front: a call leaves nothing in it that the next one needs.
 */
export class HeadParser {
  readonly memos = new HeadMemos();
  /** The result of the last `read`: a `head`, `more` bytes needed, or a `fault`. */
  step: 'more' | 'head' | 'fault' = 'more';
  /** Its host is empty when HTTP/1.0 sent none. After a fault it holds the parts that could be read, and the fault. */
  head: H1RequestHead | undefined = undefined;
  /** The head has the fields of the memo. */
  recalled = false;
  /** Offset of the first line that was not whole, and how many field lines stand before it. */
  openLine = 0;
  fields = 0;
  /** Offset of the first field line. */
  fieldsAt = 0;
  readonly #line = new RequestLine();
  readonly #lines = new FieldLines();
  readonly #said = new HeadFields();
  /** The memory into which the front reads, the offset in it, and the same bytes as words. */
  #viewed: ArrayBufferLike | undefined;
  #viewedAt = 0;
  #words: Int32Array = noWords;

  /**
   * Reads a head that begins at `from`, no more than [from, to).
   * @param maxFields field lines that it may have.
   * @param memo the last head of the same connection.
   * @returns the offset after the head. Otherwise the value means nothing.
   */
  read(bytes: Buffer, from: number, to: number, maxFields: number, memo?: HeadMemo): number {
    const line = this.#line;
    const known = memo?.head;
    this.recalled = false;
    let at = memo === undefined || known === undefined ? -1 : memo.afterLine(bytes, from, to);
    const sameLine = at >= 0;
    if (!sameLine) {
      at = line.read(bytes, from, to);
      if (line.step !== 'end') return this.#stopInLine(bytes, from, to);
    }
    this.fieldsAt = at;
    if (known !== undefined && (sameLine || (line.minor === 1 && line.other === undefined))) {
      const end = (memo as HeadMemo).afterFields(bytes, at, to);
      if (end >= 0) {
        this.head = sameLine ? known : this.#withLine(known, bytes);
        this.recalled = true;
        this.step = 'head';
        return end;
      }
      if (sameLine) line.read(bytes, from, to);
    }
    const lines = this.#lines;
    at = lines.scan(bytes, this.#wordsOf(bytes), at, to, maxFields);
    if (lines.step !== 'end') return this.#stopInFields(bytes, from, to, at);
    const text = bytes.toString('latin1', from, at);
    this.#build(bytes, text, from);
    return at;
  }

  /**
   * Checks the lines of a head as far as they have come. When the empty line has come, `read` must follow.
   * @param at offset of the first line that was not checked yet: `from` for the request line.
   * @param maxFields field lines that may still come.
   * @returns whether the empty line has come. Otherwise `step`, `openLine` and `fields` say how far the check came.
   */
  check(bytes: Buffer, from: number, at: number, to: number, maxFields: number): boolean {
    let fieldsAt = at;
    if (at === from) {
      fieldsAt = this.#line.read(bytes, from, to);
      if (this.#line.step !== 'end') {
        this.#stopInLine(bytes, from, to);
        return false;
      }
    }
    const lines = this.#lines;
    const end = lines.scan(bytes, this.#wordsOf(bytes), fieldsAt, to, maxFields);
    if (lines.step === 'end') return true;
    this.#stopInFields(bytes, from, to, end);
    return false;
  }

  /** Takes note of the buffer into which the front reads. The parser then checks bytes from its start on in words. */
  view({ buffer, byteOffset, length }: Buffer): void {
    const size = Int32Array.BYTES_PER_ELEMENT;
    this.#viewed = buffer;
    this.#viewedAt = byteOffset;
    this.#words =
      byteOffset % size === 0 ? new Int32Array(buffer, byteOffset, Math.floor(length / size)) : noWords;
  }

  #wordsOf(bytes: Buffer): Int32Array {
    return bytes.buffer === this.#viewed && bytes.byteOffset === this.#viewedAt ? this.#words : noWords;
  }

  #stopInLine(bytes: Buffer, from: number, to: number): number {
    const line = this.#line;
    this.openLine = from;
    this.fields = 0;
    if (line.step === 'fault') return this.#refuse(line.fault, bytes, from, to);
    this.step = 'more';
    return from;
  }

  /** @param at offset of the first line that is not whole. */
  #stopInFields(bytes: Buffer, from: number, to: number, at: number): number {
    const lines = this.#lines;
    this.openLine = at;
    this.fields = lines.count;
    if (lines.step === 'fault') return this.#refuse('request_malformed', bytes, from, to);
    if (lines.step === 'too_many') return this.#refuse('request_head_too_large', bytes, from, to);
    this.step = 'more';
    return at;
  }

  #refuse(fault: Reason, bytes: Buffer, from: number, to: number): number {
    this.head = refusedHead(fault, bytes, from, to);
    this.step = 'fault';
    return 0;
  }

  /** Makes the head from lines that were found well formed. @param text the head as it came, from `from` on. */
  #build(bytes: Buffer, text: string, from: number): void {
    const line = this.#line;
    const said = this.#said;
    const { names, kinds, starts, ends, count } = this.#lines;
    const values: string[] = [];
    said.reset();
    for (let at = 0; at < count; at += 1) {
      const start = starts[at] as number;
      const end = ends[at] as number;
      const kind = kinds[at] as number;
      // Caches keep the token for long. A slice would keep the text of the whole head alive, so it gets its own string.
      const value =
        kind === AUTHORIZATION ? bytes.toString('latin1', start, end) : text.slice(start - from, end - from);
      values.push(value);
      if (kind !== OTHER) said.take(kind, value);
    }
    const { other, minor } = line;
    let fault = said.fault(minor);
    let { host } = said;
    if (other?.authority !== undefined) {
      if (host === '') {
        // RFC 9112 §3.2.2: the host of the target replaces the missing field.
        host = other.authority;
        names.push('host');
        values.push(host);
      } else if (host.toLowerCase() !== other.authority.toLowerCase()) {
        fault ??= 'request_malformed';
      }
    }
    const pathEnd = line.question === 0 ? line.targetEnd : line.question;
    this.step = fault === undefined ? 'head' : 'fault';
    this.head = {
      method: line.method,
      path: other === undefined ? text.slice(line.targetStart - from, pathEnd - from) : other.path,
      query:
        other === undefined
          ? line.question === 0
            ? undefined
            : text.slice(pathEnd + 1 - from, line.targetEnd - from)
          : other.query,
      names,
      values,
      charset: bytesAsSent,
      host,
      authorization: said.authorization,
      authorizationCount: said.authorizations,
      framing: fault === undefined ? said.framing.framing : 'none',
      contentLength: said.framing.contentLength,
      close: fault !== undefined || said.closes(minor),
      fault,
      minor,
      expectsContinue: said.expectsContinue(minor),
      targetScheme: other?.scheme,
    };
  }

  /** The remembered head with the request line that was read last, which has the origin-form. */
  #withLine(known: H1RequestHead, bytes: Buffer): H1RequestHead {
    const { method, targetStart, targetEnd, question } = this.#line;
    const target = bytes.toString('latin1', targetStart, targetEnd);
    return {
      method,
      path: question === 0 ? target : target.slice(0, question - targetStart),
      query: question === 0 ? undefined : target.slice(question - targetStart + 1),
      names: known.names,
      values: known.values,
      charset: bytesAsSent,
      host: known.host,
      authorization: known.authorization,
      authorizationCount: known.authorizationCount,
      framing: known.framing,
      contentLength: known.contentLength,
      close: known.close,
      fault: undefined,
      minor: 1,
      expectsContinue: known.expectsContinue,
      targetScheme: undefined,
    };
  }
}
