import { STATUS_CODES } from 'node:http';
import type { Field } from './h2-encoder.ts';
import type { Received } from './response-reader.ts';

/** Reads one response as its frames arrive. */
export class H2Reader implements Received {
  head: string | undefined;
  isWhole = false;
  fault: string | undefined;
  readonly beginning = '';
  received = 0;
  bodyLength = 0;
  readonly #body: Buffer[] = [];

  get body(): Buffer {
    return Buffer.concat(this.#body);
  }

  /** Takes the fields of a head: a final one, because no request asks for another, and the only one. */
  begin([status, ...fields]: readonly Field[]): void {
    if (this.head !== undefined) this.fault ??= 'a second head';
    if (status?.[0] !== ':status') this.fault ??= 'a head without its status in front';
    const code = status?.[1] ?? '';
    const lines = fields.map(([name, value]) => `${name}: ${value}`);
    this.head = [`HTTP/1.1 ${code} ${STATUS_CODES[code]}`, ...lines].join('\r\n');
    this.received += this.head.length;
  }

  push(bytes: Buffer): void {
    if (this.head === undefined) this.fault ??= 'a body without a head';
    this.received += bytes.length;
    this.bodyLength += bytes.length;
    if (bytes.length > 0) this.#body.push(bytes);
  }

  end(): void {
    this.isWhole = this.fault === undefined;
  }
}
