/** Bytes of a head; a longer one is no head. */
const MAX_HEAD = 64 * 1024;
const EMPTY: Buffer = Buffer.alloc(0);

type Framing = { readonly kind: 'length'; left: number } | { readonly kind: 'chunked' | 'end' };

/** What has come of one response. */
export interface Received {
  /** Every byte; 0: nothing has come. */
  readonly received: number;
  /** Without its empty line, and as HTTP/1.1 writes it; undefined before its end. */
  readonly head: string | undefined;
  readonly isWhole: boolean;
  /** Bytes after the end, or no response; undefined: neither. */
  readonly fault: string | undefined;
  readonly body: Buffer;
  readonly bodyLength: number;
  /** The received part of an incomplete head. */
  readonly beginning: string;
}

/** Reads one response as its bytes arrive, and reports when it is whole. */
export class ResponseReader implements Received {
  received = 0;
  head: string | undefined;
  isWhole = false;
  fault: string | undefined;
  readonly #headOnly: boolean;
  #rest: Buffer = EMPTY;
  #framing: Framing = { kind: 'end' };
  readonly #body: Buffer[] = [];
  /** Missing bytes of the current chunk; undefined: between two. */
  #chunk: number | undefined;
  #isLastChunk = false;

  constructor(method: string) {
    this.#headOnly = method === 'HEAD';
  }

  get body(): Buffer {
    return Buffer.concat(this.#body);
  }

  get beginning(): string {
    return this.head ?? this.#rest.toString('latin1');
  }

  get bodyLength(): number {
    return this.#body.reduce((sum, { length }) => sum + length, 0);
  }

  push(bytes: Buffer): void {
    this.received += bytes.length;
    let rest: Buffer = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (this.head === undefined) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0 && rest.length > MAX_HEAD) this.fault = 'a head without end';
      if (end < 0) {
        this.#rest = rest;
        return;
      }
      this.head = rest.toString('latin1', 0, end);
      this.#begin(this.head);
      rest = rest.subarray(end + 4);
    }
    this.#rest = this.#framing.kind === 'chunked' && !this.isWhole ? this.#unchunk(rest) : this.#take(rest);
    if (this.isWhole && this.#rest.length > 0) {
      this.fault ??= `${this.#rest.length} bytes behind the end: ${this.#rest.toString('latin1', 0, 100)}`;
    }
  }

  /** The server has ended the connection. */
  end(): void {
    if (this.head !== undefined && this.#framing.kind === 'end') this.isWhole = true;
  }

  #begin(head: string): void {
    const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
    if (/^transfer-encoding: *chunked$/im.test(head)) this.#framing = { kind: 'chunked' };
    else if (length !== undefined) this.#framing = { kind: 'length', left: Number(length) };
    if (this.#headOnly) this.#framing = { kind: 'length', left: 0 };
  }

  /** @returns bytes that do not belong to the response. */
  #take(bytes: Buffer): Buffer {
    const framing = this.#framing;
    if (framing.kind !== 'length') {
      if (!this.isWhole && bytes.length > 0) this.#body.push(bytes);
      return this.isWhole ? bytes : EMPTY;
    }
    const piece = bytes.subarray(0, framing.left);
    if (piece.length > 0) this.#body.push(piece);
    framing.left -= piece.length;
    this.isWhole = framing.left === 0;
    return bytes.subarray(piece.length);
  }

  /** @returns bytes that cannot be read yet, or do not belong to the response. */
  #unchunk(bytes: Buffer): Buffer {
    let rest = bytes;
    while (!this.isWhole && this.fault === undefined) {
      if (this.#chunk === undefined) {
        const end = rest.indexOf('\r\n');
        if (end < 0) return rest;
        const line = rest.toString('latin1', 0, end);
        if (!/^[0-9a-f]+$/i.test(line)) this.fault = `no chunk: ${line.slice(0, 100)}`;
        this.#chunk = Number.parseInt(line, 16);
        this.#isLastChunk = this.#chunk === 0;
        rest = rest.subarray(end + 2);
      } else {
        const piece = rest.subarray(0, this.#chunk);
        if (piece.length > 0) this.#body.push(piece);
        this.#chunk -= piece.length;
        rest = rest.subarray(piece.length);
        if (this.#chunk > 0 || rest.length < 2) return rest;
        if (rest.toString('latin1', 0, 2) !== '\r\n') this.fault = 'a chunk without end';
        rest = rest.subarray(2);
        this.#chunk = undefined;
        this.isWhole = this.#isLastChunk;
      }
    }
    return rest;
  }
}
