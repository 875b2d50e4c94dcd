import { CR, LF, tokenBytes } from '../../../http/ascii.ts';
import type { Reason } from '../../../reasons.ts';
import { hasLineFeed } from './field-lines.ts';
import type { HeadMemo } from './head-memo.ts';
import type { HeadParser } from './head-parser.ts';
import { PartialHead } from './partial-head.ts';
import { refusedHead } from './refused-head.ts';
import { faultyHead, type H1RequestHead, type HeadLimits } from './request-head.ts';

/**
 * Empty lines that may stand before a request line (RFC 9112 §2.2). Old clients send one after a body; the bound keeps a
 * connection from living on empty lines.
 */
const MAX_EMPTY_LINES = 4;
/** Heads in a row that are unlike the one before, until the reader stops comparing them. */
const MAX_MISSES = 8;
/** Heads that it then reads without a comparison. */
const PAUSE = 512;

/** What the readers of one front share. */
export interface ReaderTerms {
  readonly limits: HeadLimits;
  readonly parser: HeadParser;
}

/** Where a client has reached the gateway. */
export interface LocalAddress {
  readonly scheme: 'http' | 'https';
  /** host[:port]. It is the Host of a request of HTTP/1.0 that has none. */
  readonly localHost: string;
}

/**
 * Reads the request heads of one connection, one after another, out of a buffer that all connections share. Between two
 * requests it holds no bytes, so an idle connection costs only this object.
 *
 * It reads a head in one piece where it stands. It copies the pieces of another head: when a line feed comes it checks the
 * lines that are whole now, each once, and at the end it reads the whole head once.
 */
export class RequestReader {
  /** The result of the last `read`: a whole `head`, `more` bytes needed, or a `fault`, after which nothing is read. */
  step: 'more' | 'head' | 'fault' = 'more';
  readonly #terms: ReaderTerms;
  readonly #address: LocalAddress;
  #limits: HeadLimits;
  #head: H1RequestHead | undefined = undefined;
  #partial: PartialHead | undefined = undefined;
  /** Empty lines before this head. */
  #emptyLines = 0;
  /** The last byte was the CR of an empty line. */
  #afterReturn = false;
  #memo: HeadMemo | undefined = undefined;
  /** The `turn` of the memo while it belongs to this connection. */
  #turn = 0;
  /** Comparisons in a row that failed. -1 before the first head, which is not kept: short connections have only one. */
  #misses = -1;

  /** @param terms of all connections of a front. Their limits may be replaced at any time, also in mid-head. */
  constructor(terms: ReaderTerms, address: LocalAddress) {
    this.#terms = terms;
    this.#address = address;
    this.#limits = terms.limits;
  }

  /** Bytes of a head are held. Empty lines before it do not count. */
  get begun(): boolean {
    return this.#partial !== undefined;
  }

  /** The head that was read last, or what could be read of it with its fault. Called once for each: the reader forgets it. */
  takeHead(): H1RequestHead {
    const head = this.#head as H1RequestHead;
    this.#head = undefined;
    return head;
  }

  /** Gives up a head that has come in part. @returns the head to reply to. */
  refuse(fault: Reason): H1RequestHead {
    const partial = this.#partial;
    this.#stop(
      partial === undefined ? faultyHead(fault) : refusedHead(fault, partial.bytes, 0, partial.length),
      0,
    );
    return this.takeHead();
  }

  /**
   * Reads in [from, to). Bytes after a head belong to its body or to the next request.
   * @param bytes what must live longer is copied. A buffer that was shown to the parser's `view` is read fastest.
   * @returns the offset after the last byte used.
   */
  read(bytes: Buffer, from: number, to: number): number {
    if (this.step === 'fault') return from;
    this.step = 'more';
    if (this.#limits !== this.#terms.limits) this.#follow();
    if (this.#partial !== undefined) return this.#readOn(this.#partial, bytes, from, to);
    const at = this.#afterReturn || bytes[from] === CR ? this.#skipEmptyLines(bytes, from, to) : from;
    if (at === to || this.#isFaulty()) return at;
    // The first byte can show that this is no HTTP. Then no line feed needs to come: TLS, for example, sends none.
    if (tokenBytes[bytes[at] as number] === 0) return this.#refuse('request_malformed', at);
    return this.#readWhole(bytes, at, to);
  }

  #follow(): void {
    this.#limits = this.#terms.limits;
    // The head in the memo was judged by the old limits.
    this.#memo = undefined;
  }

  #skipEmptyLines(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const byte = bytes[at];
      if (this.#afterReturn) {
        if (byte !== LF) return this.#refuse('request_malformed', at);
        this.#afterReturn = false;
        this.#emptyLines += 1;
      } else if (byte === CR) {
        if (this.#emptyLines === MAX_EMPTY_LINES) return this.#refuse('request_malformed', at);
        this.#afterReturn = true;
      } else break;
      at += 1;
    }
    return at;
  }

  #readWhole(bytes: Buffer, from: number, to: number): number {
    const { parser } = this.#terms;
    const { requestHead, headerFields } = this.#limits;
    const window = Math.min(to, from + requestHead);
    if (this.#memo !== undefined && this.#memo.turn !== this.#turn) this.#memo = undefined;
    const memo = this.#misses < MAX_MISSES ? this.#memo : undefined;
    const end = parser.read(bytes, from, window, headerFields, memo);
    if (parser.step === 'head') {
      if (parser.recalled) {
        this.#misses = 0;
        (memo as HeadMemo).useful = true;
      } else this.#remember(parser, bytes, from, end);
      return this.#finish(parser, end);
    }
    if (parser.step === 'fault') return this.#stop(parser.head as H1RequestHead, from);
    if (window - from === requestHead) {
      return this.#stop(refusedHead('request_head_too_large', bytes, from, window), from);
    }
    this.#partial = new PartialHead();
    this.#partial.append(bytes, from, to, requestHead);
    return to;
  }

  /** Reads on in a head that has come in part. */
  #readOn(partial: PartialHead, bytes: Buffer, from: number, to: number): number {
    const { parser } = this.#terms;
    const { requestHead, headerFields } = this.#limits;
    const before = partial.length;
    const window = Math.min(to, from + Math.max(0, requestHead - before));
    partial.append(bytes, from, window, requestHead);
    const held = partial.bytes;
    const { length } = partial;
    if (hasLineFeed(held, before, length)) {
      const { openLine, fields } = partial;
      if (parser.check(held, 0, openLine, length, headerFields - fields)) {
        const end = parser.read(held, 0, length, headerFields);
        this.#partial = undefined;
        if (parser.step === 'fault') return this.#stop(parser.head as H1RequestHead, from);
        return this.#finish(parser, from + end - before);
      }
      if (parser.step === 'fault') return this.#stop(parser.head as H1RequestHead, from);
      partial.openLine = parser.openLine;
      partial.fields += parser.fields;
    }
    if (length < requestHead) return window;
    return this.#stop(refusedHead('request_head_too_large', held, 0, length), from);
  }

  #finish(parser: HeadParser, end: number): number {
    const head = parser.head as H1RequestHead;
    const { targetScheme } = head;
    // A server must not serve https without TLS (RFC 9110 §7.4). A target of http over TLS is another resource.
    if (targetScheme !== undefined && targetScheme !== this.#address.scheme) {
      return this.#stop({ ...head, framing: 'none', close: true, fault: 'request_malformed' }, end);
    }
    this.#head = head.host === '' ? withHost(head, this.#address.localHost) : head;
    this.#emptyLines = 0;
    this.step = 'head';
    return end;
  }

  /** Keeps a head to compare the next one with, unless the connection never repeats itself. */
  #remember(parser: HeadParser, bytes: Buffer, from: number, end: number): void {
    this.#misses += 1;
    if (this.#misses === 0) return;
    if (this.#misses > MAX_MISSES) {
      if (this.#misses > MAX_MISSES + PAUSE) this.#misses = 0;
      return;
    }
    const head = parser.head as H1RequestHead;
    if (head.minor !== 1 || head.targetScheme !== undefined || head.path === '*') return;
    if (this.#memo === undefined) {
      this.#memo = parser.memos.claim();
      this.#turn = this.#memo.turn;
    }
    this.#memo.keep(head, bytes, from, parser.fieldsAt, end);
  }

  #isFaulty(): boolean {
    return this.step === 'fault';
  }

  #refuse(fault: Reason, at: number): number {
    return this.#stop(faultyHead(fault), at);
  }

  #stop(head: H1RequestHead, at: number): number {
    this.#partial = undefined;
    this.#head = head;
    this.step = 'fault';
    return at;
  }
}

/** Upstream gets HTTP/1.1, which demands a Host. RFC 9112 §3.3 lets the server guess it. */
function withHost(head: H1RequestHead, host: string): H1RequestHead {
  return { ...head, host, names: [...head.names, 'host'], values: [...head.values, host] };
}
