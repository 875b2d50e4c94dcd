import type { Reason } from '../reasons.ts';

/** A version of HTTP by its name in ALPN (RFC 7301 §6). */
export type HttpVersion = 'http/1.0' | 'http/1.1' | 'h2';

/** How the body of a request is framed (RFC 9112 §6). The front removes the client's framing; upstream gets a new one. */
export type BodyFraming = 'none' | 'length' | 'chunked';

/** How a recipient finds the end of a response body; `close`: it ends with the connection (RFC 9112 §6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** How bytes became the characters of field values. */
export interface Charset {
  /** `latin1`: each character is a byte. `utf8`: the values were decoded, and are encoded again for upstream. */
  readonly encoding: 'latin1' | 'utf8';
  /** The character in place of bytes that could not be decoded and are lost; undefined when no bytes can be lost. */
  readonly replacement: string | undefined;
}

/** Each character is a byte as the client sent it. */
export const bytesAsSent: Charset = Object.freeze({ encoding: 'latin1', replacement: undefined });

/** The head of one request as its front read it. */
export interface RequestHead {
  readonly method: string;
  /**
   * Path as sent, neither decoded nor normalised. It starts with `/`, or is `*` when OPTIONS asks for the server in general
   * (RFC 9112 §3.2.4).
   */
  readonly path: string;
  /** The text after `?`; undefined without a `?`. */
  readonly query: string | undefined;
  /** Header names in lower case and, at the same index, their values; order and repetitions are kept. */
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly charset: Charset;
  readonly host: string;
  /** The first Authorization value, undefined without one; a flat string, not a slice of a longer one. */
  readonly authorization: string | undefined;
  readonly authorizationCount: number;
  readonly framing: BodyFraming;
  /** Content-Length in bytes; 0 unless `framing` is `length`. */
  readonly contentLength: number;
  /** The client waits for 100 (Continue) before it sends the body, and the front has not sent it (RFC 9110 §10.1.1). */
  readonly expectsContinue?: boolean;
  /** The client wants the connection closed after the response (RFC 9112 §9.6). */
  readonly close: boolean;
  /**
   * The protocol that an extended CONNECT asks for, in lower case (RFC 8441 §4); absent otherwise. The rest of the head is
   * that of an HTTP/1.1 request with the same meaning: its method is GET, and `websocket` has a key of ours.
   */
  readonly connects?: string | undefined;
  /** Set when the request must not be served (RFC 9112 §6, §3.2). Nothing else in the head can then be trusted. */
  readonly fault: Reason | undefined;
  /** Set by a front that hands out this same object for each request of its connection with the same head. */
  readonly repeats?: HeadRoom | undefined;
}

/** Room beside a head that repeats, for what was made of it last. */
export interface HeadRoom {
  written: WrittenLines | undefined;
}

/** Lines for upstream, and all they were made of beside the head. */
export interface WrittenLines {
  readonly writer: object;
  readonly permit: object;
  readonly forwarded: ReadonlySet<string>;
  readonly address: string;
  readonly scheme: string;
  readonly lines: RequestLines;
}

/** The lines of a request head as upstream gets it, the empty line included (RFC 9112 §2.1). */
export interface RequestLines {
  readonly text: string;
  /** The encoding with which every byte of the client's fields leaves as the client sent it. */
  readonly encoding: Charset['encoding'];
  /** The query held the token; absent otherwise. */
  readonly tokenInUrl?: true;
  /** The client takes trailers (RFC 9110 §10.1.4); absent otherwise. */
  readonly takesTrailers?: true;
  /** The request authenticates its connection, which must carry no other request; absent otherwise. */
  readonly connectionAuth?: true;
  /** The protocol to which upstream is asked to upgrade (RFC 9110 §7.8); absent otherwise. */
  readonly upgrade?: string;
}

/** The same lines, which ask for another protocol on the connection (RFC 9110 §7.8). */
export function withUpgrade(head: RequestLines, protocol: string): RequestLines {
  const lines = `connection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`;
  return { ...head, text: head.text.slice(0, -2) + lines, upgrade: protocol };
}

/** The same lines with further ones. @param lines each with its CRLF; ASCII. */
export function withLines(head: RequestLines, lines: string): RequestLines {
  return { ...head, text: `${head.text.slice(0, -2)}${lines}\r\n` };
}

/** The same lines for a connection that ends with its request (RFC 9112 §9.6). */
export function withClose(head: RequestLines): RequestLines {
  return { ...head, text: `${head.text.slice(0, -2)}connection: close\r\n\r\n` };
}

/** The head of one final response, ready to be written to a client. */
export interface ResponseHead {
  /** 200 to 999; clients treat a status above 599 as 5xx (RFC 9110 §15). */
  readonly status: number;
  /**
   * Status code, a space and the reason phrase, which may be empty, then `\r\nName: value` for each field. CR and LF stand
   * only between two lines. Fields of the connection, framing fields and Date are left out: the front writes them.
   */
  readonly lines: string;
  /** `lines` hold characters of 0x80 and above, one for each byte. These bytes must leave unchanged. */
  readonly eightBit: boolean;
  readonly framing: Framing;
  /** Content-Length in bytes, -1 when absent. Set for HEAD and 304, which have no body; never set for 204. */
  readonly contentLength: number;
}

/** Fields behind a chunked body, or after the last DATA frame, in lower case and with their values (RFC 9110 §6.5). */
export interface Trailers {
  readonly names: readonly string[];
  readonly values: readonly string[];
}

export type Field = readonly [name: string, value: string];

/** Heads repeat, so the fields of each head are read from its lines once. */
const fields = new WeakMap<ResponseHead, readonly Field[]>();

/** The fields of a response in their order, names as upstream spells them; values are bytes, one a character. */
export function fieldsOf(head: ResponseHead): readonly Field[] {
  let known = fields.get(head);
  if (known === undefined) {
    const [, ...lines] = head.lines.split('\r\n');
    known = lines.map((line): Field => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    fields.set(head, known);
  }
  return known;
}

/** The same head with one field more. @param value visible ASCII and blanks. */
export function withField(head: ResponseHead, name: string, value: string): ResponseHead {
  return { ...head, lines: `${head.lines}\r\n${name}: ${value}` };
}

/** A response of the gateway itself, ready to be sent. */
export interface Reply {
  readonly head: ResponseHead;
  readonly body: Uint8Array;
  /** The connection must end with this reply, if its protocol has framing that a request can put in doubt. */
  readonly close: boolean;
}
