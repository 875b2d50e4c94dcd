import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { tlsPorts } from './tls-ports.ts';

export interface WireResponse {
  readonly status: number;
  /** Lower-case names; a repeated field is joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** Names and values in the order and spelling received. */
  readonly fields: readonly (readonly [string, string])[];
  /** The decoded body, one character per byte. */
  readonly body: string;
  /** Every byte of the response as received. */
  readonly raw: string;
  /** Whether the server ended the connection by the time the response was complete. */
  readonly closed: boolean;
}

/** Milliseconds after which a test fails for want of a complete response, with the bytes received so far; other tests run beside it. */
const responseTimeoutMs = 60_000;

/**
 * A connection to a server on loopback that carries literal bytes (latin1 text, one character per byte), in TLS to those
 * gateways that expect it.
 */
export class Wire {
  private readonly socket: Socket;
  /** The socket that TLS has for its bytes, or the same. */
  private readonly bare: Socket;
  /** Bytes sent, and of these the bytes that the kernel has taken or will never take. */
  private written = 0;
  private settled = 0;
  private received = '';
  /** Characters without which the next response is incomplete, so that a long one is not parsed at each piece. */
  private needed = 0;
  private ended = false;
  private failure: Error | undefined;
  private sleepers: (() => void)[] = [];

  private constructor(socket: Socket, bare: Socket) {
    this.socket = socket;
    this.bare = bare;
    // The socket of TLS reports it as well.
    if (bare !== socket) bare.on('error', () => {});
    socket.setEncoding('latin1');
    socket.on('data', (bytes: string) => {
      this.received += bytes;
      this.wake();
    });
    socket.on('error', (error) => {
      this.failure = error;
      this.wake();
    });
    socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
    socket.on('end', () => {
      this.ended = true;
      this.wake();
    });
  }

  /** @param from address to connect from; the system's choice by default. */
  static async open(port: number, host = '127.0.0.1', from?: string): Promise<Wire> {
    const bare = connect({
      port,
      host,
      noDelay: true,
      allowHalfOpen: true,
      ...(from === undefined ? {} : { localAddress: from }),
    });
    await once(bare, 'connect');
    if (!tlsPorts.has(port)) return new Wire(bare, bare);
    const socket = connectTls({ socket: bare, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return new Wire(socket, bare);
  }

  /** The same over a unix socket. */
  static async openUnix(path: string): Promise<Wire> {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, 'connect');
    return new Wire(socket, socket);
  }

  send(bytes: string): void {
    this.written += bytes.length;
    this.socket.write(bytes, 'latin1', () => {
      this.settled += bytes.length;
      this.wake();
    });
  }

  /** Stops reading, so that the server's socket fills up; `resumeReading` goes on. */
  pauseReading(): void {
    this.socket.pause();
  }

  resumeReading(): void {
    this.socket.resume();
  }

  /** Resolves when the kernel has taken all that was sent, or the connection is gone. */
  async sent(): Promise<void> {
    while (this.unsent > 0 && !this.socket.destroyed) {
      await new Promise<void>((resolve) => this.sleepers.push(resolve));
    }
  }

  /** Bytes sent that the kernel has not taken. */
  get unsent(): number {
    return this.written - this.settled;
  }

  /** Bytes sent and taken by the kernel. */
  get taken(): number {
    return this.settled;
  }

  /** Ends our direction; responses can still arrive. */
  end(): void {
    this.socket.end();
  }

  /** Closes with a reset, as a client does that disappears. */
  reset(): void {
    this.bare.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }

  /** Bytes received that belong to no response taken so far. */
  get pending(): string {
    return this.received;
  }

  /** Whether the server has reset the connection. */
  get wasReset(): boolean {
    return (this.socket.errored as NodeJS.ErrnoException | null)?.code === 'ECONNRESET';
  }

  /** Whether the server has ended its side of the connection, at least. */
  get closed(): boolean {
    return this.ended;
  }

  /**
   * The next final response; interim ones (1xx) are skipped. `toHead` says that the request was a HEAD, whose response
   * has no body even if its headers announce one.
   */
  async response(options: { toHead?: boolean } = {}): Promise<WireResponse> {
    const toHead = options.toHead ?? false;
    for (;;) {
      const taken = await this.until(() => this.parse(toHead));
      this.received = this.received.slice(taken.length);
      this.needed = 0;
      if (taken.response.status >= 200 || taken.response.status === 101) {
        // The end of the connection arrives some time after the last byte; the test waits for it when it is announced.
        const announced = taken.response.headers.get('connection')?.toLowerCase() === 'close';
        if (announced) await this.until(() => (this.ended ? true : undefined));
        return { ...taken.response, closed: this.ended };
      }
    }
  }

  private wake(): void {
    for (const wake of this.sleepers.splice(0)) wake();
  }

  private get beginning(): string {
    return `${this.received.length} bytes: ${JSON.stringify(this.received.slice(0, 500))}`;
  }

  private parse(toHead: boolean): Parsed | undefined {
    if (this.received.length < this.needed && !this.ended) return undefined;
    const parsed = parseResponse(this.received, toHead, this.ended);
    if (typeof parsed !== 'number') return parsed;
    this.needed = parsed;
    return undefined;
  }

  /** Waits until what has come and belongs to no response taken so far is `wanted`. */
  async pendingIs(wanted: (text: string) => boolean): Promise<string> {
    await this.until(() => (wanted(this.received) ? true : undefined));
    return this.received;
  }

  /** Waits until the server has ended the connection; yields the bytes received before. */
  async untilClosed(): Promise<string> {
    await this.until(() => (this.ended ? true : undefined));
    return this.received;
  }

  /** Waits until `ready` yields a value; fails when the connection ends or the time is over first. */
  private async until<T>(ready: () => T | undefined): Promise<T> {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      this.wake();
    }, responseTimeoutMs);
    try {
      for (;;) {
        const value = ready();
        if (value !== undefined) return value;
        if (this.ended) {
          const text = `connection ended before a complete answer; got ${this.beginning}`;
          throw new Error(text, { cause: this.failure });
        }
        if (expired) throw new Error(`nothing complete in ${responseTimeoutMs} ms; got ${this.beginning}`);
        await new Promise<void>((resolve) => this.sleepers.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Sends `bytes` on its own connection and yields the first final response. */
export async function request(port: number, bytes: string): Promise<WireResponse> {
  const wire = await Wire.open(port);
  try {
    wire.send(bytes);
    return await wire.response({ toHead: bytes.startsWith('HEAD ') });
  } finally {
    wire.close();
  }
}

interface Body {
  readonly text: string;
  /** The end of the response in its text. */
  readonly end: number;
}

interface Parsed {
  readonly response: Omit<WireResponse, 'closed'>;
  /** Characters consumed from the start of the text. */
  readonly length: number;
}

/** The first response in `text`; while it is incomplete, the characters that it needs at least. Throws on bytes that are not a response. */
function parseResponse(text: string, toHead: boolean, ended: boolean): Parsed | number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) {
    if (text.length >= 5 && !text.startsWith('HTTP/')) throw notAResponse(text);
    return text.length + 1;
  }
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: .*)?$/.exec(statusLine)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) throw notAResponse(text);
  const fields = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':');
    if (colon <= 0) throw notAResponse(text);
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const headers = new Map<string, string>();
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  const start = headEnd + 4;
  const body = parseBody(
    text,
    start,
    headers,
    toHead || status < 200 || status === 204 || status === 304,
    ended,
  );
  if (typeof body === 'number') return body;
  return {
    response: { status, headers, fields, body: body.text, raw: text.slice(0, body.end) },
    length: body.end,
  };
}

function parseBody(
  text: string,
  start: number,
  headers: ReadonlyMap<string, string>,
  bodiless: boolean,
  ended: boolean,
): Body | number {
  if (bodiless) return { text: '', end: start };
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked')
    return parseChunks(text, start) ?? text.length + 1;
  const length = headers.get('content-length');
  if (length !== undefined) {
    if (!/^\d+$/.test(length)) throw notAResponse(text);
    const end = start + Number(length);
    return text.length < end ? end : { text: text.slice(start, end), end };
  }
  return ended ? { text: text.slice(start), end: text.length } : Number.POSITIVE_INFINITY;
}

function parseChunks(text: string, start: number): Body | undefined {
  let body = '';
  let at = start;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const sizeText = /^[0-9A-Fa-f]+(?=$|[;\s])/.exec(text.slice(at, lineEnd))?.[0];
    if (sizeText === undefined) throw notAResponse(text);
    const size = Number.parseInt(sizeText, 16);
    const data = lineEnd + 2;
    if (size === 0) {
      // The last chunk: trailer lines may follow, and an empty line ends the message (RFC 9112 §7.1).
      const end = text.startsWith('\r\n', data) ? data : text.indexOf('\r\n\r\n', data) + 2;
      if (end < data || text.length < end + 2) return undefined;
      return { text: body, end: end + 2 };
    }
    if (text.length < data + size + 2) return undefined;
    if (!text.startsWith('\r\n', data + size)) throw notAResponse(text);
    body += text.slice(data, data + size);
    at = data + size + 2;
  }
}

function notAResponse(text: string): Error {
  return new Error(`not an HTTP answer: ${JSON.stringify(text.slice(0, 500))}`);
}
