import type { ClientSocket } from './client-socket.ts';
import type { HangReport } from './hang-report.ts';
import type { SoakRequest } from './request.ts';
import { type Received, ResponseReader } from './response-reader.ts';

/** Milliseconds for one exchange; a longer one hangs. */
export const HANG_MS = 30_000;
/** Bytes after which a slow reader rests: what a read without TLS takes at most, where a record of TLS has 16 KiB. */
export const READ_BYTES = 64 * 1024;
/** Bytes of the response's body after which a client leaves in the middle. */
const MIDDLE_BYTES = 1_000;

/** The result of a request. */
export interface Came {
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  readonly reader: Received;
  /** Whole by its framing; cut by the server; given up by the client, as planned or after too long. */
  readonly end: 'whole' | 'cut' | 'left' | 'hangs';
  /** Why the connection was closed, if it was. */
  readonly closedBy: string | undefined;
  /** The last byte of the head was handed to the kernel. */
  readonly wasAsked: boolean;
  /** On a new connection, of which no worker has shown that it has accepted it. */
  readonly isFirst: boolean;
  readonly isHead: boolean;
  /** By HTTP/2: after GOAWAY, and before anything was done for it. */
  readonly isRefused: boolean;
  /** There was a body to send. */
  readonly hasBody: boolean;
  /** Of an exchange that hangs. */
  readonly report: string | undefined;
  /** Monotonic milliseconds of the first byte sent and the last one received. */
  readonly from: number;
  readonly to: number;
}

/**
 * Milliseconds after which a slow client rests no more: a busy machine stretches each rest, and a replaced worker waits
 * no longer than its grace.
 */
const SLOW_FOR_MS = 4_000;

/** Whether an exchange that began then must go on without rests. */
export const mustHurry = (from: number): boolean => performance.now() - from > SLOW_FOR_MS;

/** Whether it resolves before an exchange counts as one that hangs. */
export async function isInTime(what: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), HANG_MS);
  });
  const inTime = await Promise.race([what.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends one request and takes its response. */
export async function exchange(
  socket: ClientSocket,
  request: SoakRequest,
  reportHang: HangReport,
): Promise<Came> {
  const reader = new ResponseReader(request.method);
  const sending = new Sending(socket, request);
  const isFirst = socket.begin(request);
  const from = performance.now();
  let hanging: NodeJS.Timeout | undefined;
  let restsAt = READ_BYTES;
  const received = new Promise<Came['end']>((resolve) => {
    hanging = setTimeout(() => resolve('hangs'), HANG_MS);
    socket.listen({
      onBytes: (bytes) => {
        reader.push(bytes);
        if (reader.isWhole || reader.fault !== undefined) resolve('whole');
        else if (hasEnough(request, reader)) resolve('left');
        else if (request.readRestMs > 0 && reader.received >= restsAt && !mustHurry(from)) {
          restsAt = reader.received + READ_BYTES;
          socket.rest(request.readRestMs);
        }
      },
      onClosed: () => {
        reader.end();
        resolve(reader.isWhole ? 'whole' : 'cut');
      },
    });
  });
  const sent = sending.run(from);
  let end = await Promise.race([received, sent.then((left) => (left ? 'left' : received))]);
  const to = performance.now();
  clearTimeout(hanging);
  const { closedBy } = socket;
  const said = /^connection: close$/im.test(reader.head ?? '');
  // A client that is not asked to leave must send its announced body before anything else, or leave: the gateway takes
  // whatever follows for the rest of that body.
  if (end === 'whole' && !said && !request.closes) {
    if (!(await isInTime(sent))) end = 'hangs';
    else if (await sent) socket.leave(request.leave?.reset);
  }
  const report = end === 'hangs' ? await reportHang(socket, request) : undefined;
  if (end === 'left') socket.leave(request.leave?.reset);
  else if (end !== 'whole') socket.leave();
  sending.stop();
  socket.listen(undefined);
  const [isHead, hasBody] = [request.method === 'HEAD', request.body.length > 0];
  const { wasAsked } = sending;
  const seen = {
    reader,
    end,
    closedBy,
    wasAsked,
    isFirst,
    isHead,
    isRefused: false,
    hasBody,
    report,
    from,
    to,
  };
  return { protocol: 'HTTP/1.1', ...seen };
}

function chunksOf(body: readonly Uint8Array[]): readonly Uint8Array[] {
  const end = Buffer.from('\r\n');
  const chunks = body.flatMap((piece) => [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, end]);
  return [...chunks, Buffer.from('0\r\n\r\n')];
}

/** Whether a client leaves at what has come. */
export function hasEnough({ leave }: SoakRequest, reader: Received): boolean {
  return leave?.at === 'first byte' || (leave?.at === 'middle' && reader.bodyLength >= MIDDLE_BYTES);
}

/** The way of a request to the kernel. */
class Sending {
  wasAsked = false;
  readonly #socket: ClientSocket;
  readonly #request: SoakRequest;
  #stopped = false;

  constructor(socket: ClientSocket, request: SoakRequest) {
    this.#socket = socket;
    this.#request = request;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** @returns whether the client must leave now. */
  async run(from: number): Promise<boolean> {
    const { head, body, isChunked, writeRestMs, leave } = this.#request;
    if (leave?.at === 'nothing') return true;
    if (leave?.at === 'head') {
      await this.#socket.write(head.slice(0, head.length >> 1));
      return true;
    }
    this.wasAsked = true;
    await this.#socket.write(head);
    const whole = isChunked ? chunksOf(body) : body;
    const pieces = leave?.at === 'body' ? whole.slice(0, whole.length >> 1) : whole;
    for (const piece of pieces) {
      if (writeRestMs > 0 && !mustHurry(from)) await rest(writeRestMs);
      if (this.#stopped || this.#socket.closedBy !== undefined) return false;
      await this.#socket.write(piece);
    }
    return leave?.at === 'end' || leave?.at === 'body';
  }
}
