import type { ResponseHead } from '../../../http/message.ts';
import { systemClock } from '../../../lib/clock.ts';

/** How one response is framed and what it says of its connection. */
export interface ResponseTerms {
  /** Bytes for Content-Length; -1 for none. */
  readonly length: number;
  readonly chunked: boolean;
  /** `close`, or `keep-alive` for a client of HTTP/1.0 that stays; empty where the version says it (RFC 9112 §9.3). */
  readonly connection: '' | 'close' | 'keep-alive';
}

let second = -1;
let date = '';

/** The last text. Servers repeat their heads within one second, and a text that comes again needs no work below. */
let lastLines = '';
let lastLength = -1;
let lastChunked = false;
let lastConnection = '';
let lastText = '';

/** The head of a response as it is sent, the empty line included; each character is a byte. */
export function responseText(
  { lines }: ResponseHead,
  { length, chunked, connection }: ResponseTerms,
): string {
  const isSame =
    lastText !== '' &&
    lines === lastLines &&
    length === lastLength &&
    chunked === lastChunked &&
    connection === lastConnection;
  const now = Math.floor(systemClock.wall() / 1000);
  if (isSame && now === second) return lastText;
  if (now !== second) {
    // An HTTP-date (RFC 9110 §5.6.7) changes once a second.
    second = now;
    date = new Date(now * 1000).toUTCString();
  }
  const framing = chunked
    ? '\r\ntransfer-encoding: chunked'
    : length < 0
      ? ''
      : `\r\ncontent-length: ${length}`;
  const end = connection === '' ? '' : `\r\nconnection: ${connection}`;
  lastLines = lines;
  lastLength = length;
  lastChunked = chunked;
  lastConnection = connection;
  lastText = `HTTP/1.1 ${lines}${framing}${end}\r\ndate: ${date}\r\n\r\n`;
  return lastText;
}
