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

/** The head of a response as it is sent, the empty line included; each character is a byte. */
export function responseText(head: ResponseHead, { length, chunked, connection }: ResponseTerms): string {
  const framing = chunked
    ? '\r\ntransfer-encoding: chunked'
    : length < 0
      ? ''
      : `\r\ncontent-length: ${length}`;
  const end = connection === '' ? '' : `\r\nconnection: ${connection}`;
  return `HTTP/1.1 ${head.lines}${framing}${end}\r\ndate: ${dateNow()}\r\n\r\n`;
}

/** The time as an HTTP-date (RFC 9110 §5.6.7), which changes once a second. */
function dateNow(): string {
  const wall = systemClock.wall();
  const now = Math.floor(wall / 1000);
  if (now !== second) {
    second = now;
    date = new Date(wall).toUTCString();
  }
  return date;
}
