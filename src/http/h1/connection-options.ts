import { COMMA, HTAB, SP, spells, tokenBytes } from '../ascii.ts';
import { itemsOf } from '../field-values.ts';

/** Fields that one message may name in Connection. No server names as many, and the bound limits the comparisons. */
const MAX_NAMED = 32;

/** `close` and `keep-alive` among the options of a field value. */
const closeOption = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;
const keepAliveOption = /(?:^|,)[ \t]*keep-alive[ \t]*(?:,|$)/i;

/** Whether one value of Connection names `close` (RFC 9112 §9.6). */
export function namesClose(value: string): boolean {
  return closeOption.test(value);
}

/** Whether one value of Connection names `keep-alive`, which keeps a connection of HTTP/1.0 (RFC 9112 §9.3). */
export function namesKeepAlive(value: string): boolean {
  return keepAliveOption.test(value);
}

/** All options that these values of Connection name, in lower case. */
export function namedOptions(values: readonly string[]): readonly string[] {
  return itemsOf(values).map((name) => name.toLowerCase());
}

/** The options in the Connection fields of one response (RFC 9110 §7.6.1). */
export class ConnectionOptions {
  close = false;
  keepAlive = false;
  /** Names, in lower case, of fields that end at this hop; almost always empty. */
  named: string[] = [];

  reset(): void {
    this.close = false;
    this.keepAlive = false;
    if (this.named.length > 0) this.named = [];
  }

  /** Takes in one field value, [start, end) of `bytes`; false when it names too many fields. */
  take(bytes: Buffer, start: number, end: number): boolean {
    let at = start;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte === COMMA || byte === SP || byte === HTAB) {
        at += 1;
        continue;
      }
      const from = at;
      while (at < end && tokenBytes[bytes[at] as number] === 1) at += 1;
      const to = at;
      while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at += 1;
      if (at < end && bytes[at] !== COMMA) {
        // This is no list of tokens. The server may have meant `close`, so the connection is not reused.
        this.close = true;
        return true;
      }
      if (spells(bytes, from, to, 'close')) this.close = true;
      else if (spells(bytes, from, to, 'keep-alive')) this.keepAlive = true;
      else if (this.named.length === MAX_NAMED) return false;
      else this.named.push(bytes.toString('latin1', from, to).toLowerCase());
    }
    return true;
  }
}
