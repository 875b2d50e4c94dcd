import { setImmediate as turn } from 'node:timers/promises';
import type { ClientEvents, ClientStream, FrontEvents } from '../../../../src/front/front.ts';
import type { ClientSocket } from '../../../../src/front/node/client-socket.ts';
import { H2Connection } from '../../../../src/front/node/h2/connection.ts';
import { HeldBytes } from '../../../../src/front/node/h2/held-bytes.ts';
import type { H2Terms } from '../../../../src/front/node/h2/streams.ts';
import type { Reply, ResponseHead, Trailers } from '../../../../src/http/message.ts';
import { type Frame, frame, framesIn, PREFACE, settings, settingsAck, types, uint32 } from './frames.ts';
import { indexed, literal } from './hpack/reference-encoder.ts';

export const flags = {
  endStream: 0x1,
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
  end: 0x5,
} as const;

/** A socket that lives in memory, and says what a test wants about its client. */
class MemorySocket implements ClientSocket {
  readonly scheme = 'http';
  readonly peer = '192.0.2.1';
  readonly localHost = '192.0.2.2:80';
  unsent = 0;
  /** The client takes what it is sent. */
  free = true;
  paused = false;
  closed = false;
  destroyed = false;
  writes = 0;
  bytes: Buffer = Buffer.alloc(0);

  write(data: Uint8Array): boolean {
    this.writes += 1;
    if (!this.free) this.unsent += data.length;
    this.bytes = Buffer.concat([this.bytes, data]);
    return this.free;
  }

  writeLatin1(text: string): boolean {
    return this.write(Buffer.from(text, 'latin1'));
  }

  writeMessage(text: string, pieces: readonly Uint8Array[], behind: string): boolean {
    return this.write(Buffer.concat([Buffer.from(text, 'latin1'), ...pieces, Buffer.from(behind, 'latin1')]));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  close(): void {
    this.closed = true;
  }

  endWriting(): void {}

  destroy(): void {
    this.destroyed = true;
  }
}

export const plainTerms: Omit<H2Terms, 'events'> = {
  limits: { requestHead: 16_384, headerFields: 200 },
  requestsPerConnection: Number.POSITIVE_INFINITY,
  draining: false,
  requestHeadMs: 10_000,
  keepAliveMs: 60_000,
  sendMs: 60_000,
  webSockets: false,
  held: new HeldBytes(),
  connections: { h2: 0 },
};

export function responseHead(status: number, contentLength = -1, lines = ''): ResponseHead {
  return {
    status,
    lines: `${status} X${lines}`,
    eightBit: false,
    framing: contentLength < 0 ? 'chunked' : 'length',
    contentLength,
  };
}

export function replyOf(status: number, body = ''): Reply {
  return { head: responseHead(status, body.length), body: Buffer.from(body), close: false };
}

/** The exchange of one request, which does what a test says and notes what it hears. */
export class TestExchange implements ClientEvents {
  readonly client: ClientStream;
  body = '';
  complete = false;
  aborted = false;
  drained = 0;
  trailers: Trailers | undefined;
  replied: boolean | undefined;

  constructor(client: ClientStream) {
    this.client = client;
    client.listen(this);
    if (client.head.framing !== 'none') client.takeBody(false);
    if (client.head.fault === 'request_malformed') client.reply(replyOf(400, 'bad'));
    else if (client.head.fault !== undefined) client.reply(replyOf(431, 'large'));
  }

  onRequestBody(chunk: Uint8Array, last: boolean): void {
    if (this.complete) throw new Error('body behind its end');
    this.body += Buffer.from(chunk).toString('latin1');
    this.complete = last;
  }

  onBodyFault(): void {
    throw new Error('a stream with a faulty body is reset');
  }

  onRequestTrailers(trailers: Trailers): void {
    this.trailers = trailers;
  }

  onAborted(): void {
    if (this.aborted) throw new Error('aborted twice');
    this.aborted = true;
  }

  onDrained(): void {
    this.drained += 1;
  }

  onReplied(sent: boolean): void {
    this.replied = sent;
  }

  /** Sends a whole response. */
  respond(body = 'hi', status = 200): boolean {
    this.client.begin(responseHead(status, body.length));
    return this.client.send(body === '' ? [] : [Buffer.from(body)], true);
  }
}

/** The fields of a GET, as a block that leaves the table as it is. */
export function getBlock(path = '/', ...more: readonly (readonly [string, string])[]): Buffer {
  return requestBlock([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'a'],
    ...more,
  ]);
}

export function requestBlock(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.map(([name, value]) => literal('without', name, value)));
}

/** A request without a body. */
export function get(stream: number, path?: string, ...more: readonly (readonly [string, string])[]): Buffer {
  return frame(types.headers, flags.end, stream, getBlock(path, ...more));
}

/** The head of a request with a body. */
export function post(stream: number, ...more: readonly (readonly [string, string])[]): Buffer {
  const block = Buffer.concat([
    indexed(3),
    indexed(6),
    indexed(4),
    literal('without', 1, 'a'),
    requestBlock(more),
  ]);
  return frame(types.headers, flags.endHeaders, stream, block);
}

/** An extended CONNECT for a WebSocket (RFC 8441 §5). @param fields behind it. */
export function connectFields(
  ...fields: readonly (readonly [string, string])[]
): readonly (readonly [string, string])[] {
  return [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'https'],
    [':path', '/ws?a=b'],
    [':authority', 'example.com'],
    ['sec-websocket-version', '13'],
    ...fields,
  ];
}

export function data(stream: number, body: string | Uint8Array, ends = false): Buffer {
  return frame(
    types.data,
    ends ? flags.endStream : 0,
    stream,
    typeof body === 'string' ? Buffer.from(body) : body,
  );
}

interface H2ClientOptions {
  readonly greeted?: boolean;
  readonly terms?: Partial<H2Terms>;
  readonly onRequest?: (stream: ClientStream) => void;
}

/** A client on a socket in memory. It speaks in frames, and so keeps to no rule by itself. */
export class H2Client {
  readonly socket = new MemorySocket();
  readonly connection: H2Connection;
  readonly exchanges: TestExchange[] = [];
  readonly faults: unknown[] = [];
  #read = 0;

  /** `greeted`, unless it is false: the preface and the settings of both sides are exchanged. */
  constructor(options: H2ClientOptions = {}) {
    const events: FrontEvents = {
      onRequest: options.onRequest ?? ((stream) => this.exchanges.push(new TestExchange(stream))),
      onProxyRefused: () => {},
      onFault: (error) => this.faults.push(error),
    };
    this.connection = new H2Connection(this.socket, { ...plainTerms, ...options.terms, events });
    if (options.greeted !== false) this.send(PREFACE, settings(), settingsAck);
  }

  /** Sends bytes that arrive together; the buffer is overwritten as soon as they were read. */
  send(...bytes: readonly Uint8Array[]): void {
    const shared = Buffer.concat(bytes);
    this.connection.onBytes(shared);
    shared.fill(0xee);
  }

  /** The frames that have come since the last call, at the end of a turn. */
  async frames(): Promise<readonly Frame[]> {
    await turn();
    const { frames, rest } = framesIn(this.socket.bytes.subarray(this.#read));
    if (rest.length > 0) throw new Error(`half a frame: ${rest.toString('hex')}`);
    this.#read = this.socket.bytes.length;
    return frames;
  }

  exchange(at = 0): TestExchange {
    const found = this.exchanges.at(at);
    if (found === undefined) throw new Error('no such request');
    return found;
  }
}

/** The error code of the GOAWAY among these frames; undefined without one. */
export function goAwayCode(frames: readonly Frame[]): number | undefined {
  return frames.findLast(({ type }) => type === types.goaway)?.payload.readUInt32BE(4);
}

/** The error code of the RST_STREAM for this stream among these frames; undefined without one. */
export function resetCode(frames: readonly Frame[], stream: number): number | undefined {
  return frames.find((one) => one.type === types.reset && one.stream === stream)?.payload.readUInt32BE(0);
}

export const windowUpdate = (stream: number, bytes: number): Buffer =>
  frame(types.window, 0, stream, uint32(bytes));
export const reset = (stream: number, code = 8): Buffer => frame(types.reset, 0, stream, uint32(code));
