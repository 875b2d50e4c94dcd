import assert from 'node:assert/strict';
import { HeadParser } from '../../../../src/front/node/h1/head-parser.ts';
import { RequestBodyReader } from '../../../../src/front/node/h1/request-body.ts';
import type { H1RequestHead, HeadLimits } from '../../../../src/front/node/h1/request-head.ts';
import { RequestReader } from '../../../../src/front/node/h1/request-reader.ts';
import type { Reason } from '../../../../src/reasons.ts';

/** One request as it was read. Texts are latin1. */
export interface Message {
  /** Method, target and version. */
  readonly line: string;
  /** The fields, names in lower case, one `name: value` a line. */
  readonly fields: string;
  readonly host: string;
  readonly authorization: string | undefined;
  readonly authorizations: number;
  readonly framing: string;
  readonly close: boolean;
  readonly expectsContinue: boolean;
  readonly targetScheme: string | undefined;
  readonly body: string;
  /** Trailer fields as `fields`. */
  readonly trailers: string;
  readonly complete: boolean;
  /** Bytes of the connection up to the end of the message; 0 for one that is not complete. */
  readonly end: number;
}

/** What the bytes of one connection came to. */
export interface Outcome {
  readonly messages: readonly Message[];
  /** Status and reason; undefined when nothing was refused. */
  readonly fault: string | undefined;
  /** Bytes of the next head are held. */
  readonly begun: boolean;
}

export const usualLimits: HeadLimits = { requestHead: 16_384, headerFields: 100 };

/** The Host of requests that need none. */
export const OWN_HOST = '192.0.2.7:8080';

/** Bytes before and after a piece in the shared buffer. They differ from piece to piece, and are no part of it. */
const NEIGHBOURS = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n\n';

/** Plays connections to readers that share one parser and one buffer, and checks what every reader must keep to. */
export class Player {
  readonly #parser = new HeadParser();
  readonly #shared = Buffer.allocUnsafeSlow(131_072);
  #pieces = 0;

  constructor() {
    this.#parser.view(this.#shared);
  }

  /** A reader that has read nothing. */
  reader(limits = usualLimits): RequestReader {
    return new RequestReader({ limits, parser: this.#parser }, { scheme: 'http', localHost: OWN_HOST });
  }

  play(pieces: readonly Buffer[], limits = usualLimits, reader = this.reader(limits)): Outcome {
    const body = new RequestBodyReader();
    const messages: Message[] = [];
    let inBody = false;
    let parts: string[] = [];
    let head: H1RequestHead | undefined;
    let fault: Reason | undefined;
    const finish = (end: number): void => {
      messages.push(messageOf(head as H1RequestHead, parts.join(''), body, end));
      head = undefined;
    };
    let before = 0;
    for (const piece of pieces) {
      const [bytes, start, end] = this.#place(piece);
      let at = start;
      while (at < end && fault === undefined) {
        if (!inBody) {
          const used = reader.read(bytes, at, end);
          assert.ok(used >= at && used <= end, 'the reader stays inside the piece');
          at = used;
          if (reader.step === 'more') assert.equal(at, end, 'more is asked for when all was taken');
          if (reader.step === 'fault') {
            fault = reader.takeHead().fault;
            assert.equal(reader.read(bytes, start, end), start, 'nothing is taken after a fault');
            assert.equal(reader.begun, false);
          }
          if (reader.step !== 'head') continue;
          assert.equal(reader.begun, false);
          head = reader.takeHead();
          checkHead(head);
          body.start(head, limits.requestHead);
          parts = [];
          inBody = true;
        }
        // A body that has none ends without bytes.
        for (;;) {
          const used = body.read(bytes, at, end);
          assert.ok(used >= at && used <= end, 'the body stays inside the piece');
          at = used;
          if (body.step !== 'data') break;
          assert.ok(body.dataStart >= start && body.dataEnd <= end && body.dataStart < body.dataEnd);
          parts.push(bytes.toString('latin1', body.dataStart, body.dataEnd));
        }
        if (body.step === 'fault') {
          fault = body.fault;
          finish(0);
        } else if (body.step === 'end') {
          finish(before + at - start);
          inBody = false;
        }
      }
      bytes.fill(0xee);
      before += piece.length;
      if (fault !== undefined) break;
    }
    if (fault === undefined && head !== undefined) finish(0);
    return { messages, fault, begun: reader.begun };
  }

  /** Puts a piece somewhere into the shared buffer, or alone into one that is just as long. */
  #place(piece: Buffer): [bytes: Buffer, start: number, end: number] {
    this.#pieces += 1;
    if (this.#pieces % 4 === 0) return [Buffer.from(piece), 0, piece.length];
    const shared = this.#shared;
    const start = NEIGHBOURS.length + (this.#pieces % 7);
    shared.write(NEIGHBOURS, start - NEIGHBOURS.length, 'latin1');
    piece.copy(shared, start);
    shared.write(NEIGHBOURS, start + piece.length, 'latin1');
    return [shared, start, start + piece.length];
  }
}

/** Whatever goes on to an exchange can be written into another head without a change of its meaning. */
function checkHead(head: H1RequestHead): void {
  assert.match(head.method, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
  if (head.path !== '*' || head.method !== 'OPTIONS') assert.match(head.path, /^\/[\x21-\x7e]*$/);
  assert.doesNotMatch(head.path, /[?#]/);
  if (head.query !== undefined) assert.match(head.query, /^[\x21-\x22\x24-\x7e]*$/);
  assert.equal(head.names.length, head.values.length);
  for (const name of head.names) assert.match(name, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);
  for (const value of head.values) {
    assert.match(value, /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/);
  }
  const count = (name: string): number => head.names.filter((other) => other === name).length;
  assert.equal(count('authorization'), head.authorizationCount);
  assert.equal(head.authorization, head.values[head.names.indexOf('authorization')]);
  assert.equal(head.host, head.values[head.names.indexOf('host')]);
  assert.equal(count('host'), 1);
  assert.ok(count('content-length') + count('transfer-encoding') <= 1);
  assert.equal(head.fault, undefined);
}

function messageOf(head: H1RequestHead, body: string, { trailers }: RequestBodyReader, end: number): Message {
  const { method, path, query, minor, framing, contentLength } = head;
  return {
    line: `${method} ${path}${query === undefined ? '' : `?${query}`} HTTP/1.${minor}`,
    fields: linesOf(head.names, head.values),
    host: head.host,
    authorization: head.authorization,
    authorizations: head.authorizationCount,
    framing: framing === 'length' ? `length ${contentLength}` : framing,
    close: head.close,
    expectsContinue: head.expectsContinue,
    targetScheme: head.targetScheme,
    body,
    trailers: trailers === undefined ? '' : linesOf(trailers.names, trailers.values),
    complete: end > 0,
    end,
  };
}

export function linesOf(names: readonly string[], values: readonly string[]): string {
  return names.map((name, at) => `${name}: ${values[at]}`).join('\n');
}

/** The bytes cut at these offsets, which must ascend. */
export function cut(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  return [...offsets, bytes.length].map((to, at) => bytes.subarray(offsets[at - 1] ?? 0, to));
}
