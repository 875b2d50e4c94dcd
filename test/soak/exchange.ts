import type { ClientSocket } from './client-socket.ts';
import type { SoakRequest } from './request.ts';
import { ResponseReader } from './response-reader.ts';

/** Milliseconds for one exchange; a longer one hangs. */
const HANG_MS = 30_000;
/** Bytes of the response's body after which a client leaves in the middle. */
const MIDDLE_BYTES = 1_000;

/** The result of a request. */
export interface Came {
  readonly reader: ResponseReader;
  /** Whole by its framing; cut by the server; given up by the client, as planned or after too long. */
  readonly end: 'whole' | 'cut' | 'left' | 'hangs';
  /** Why the connection was closed, if it was. */
  readonly closedBy: string | undefined;
  /** The last byte of the head was handed to the kernel. */
  readonly wasAsked: boolean;
  /** On a new connection. */
  readonly isFirst: boolean;
  readonly isHead: boolean;
  /** There was a body to send. */
  readonly hasBody: boolean;
  /** Monotonic milliseconds of the first byte sent and the last one received. */
  readonly from: number;
  readonly to: number;
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends one request and takes its response. */
export async function exchange(socket: ClientSocket, request: SoakRequest): Promise<Came> {
  const reader = new ResponseReader(request.method);
  const sending = new Sending(socket, request);
  const isFirst = socket.exchanges === 0;
  socket.exchanges += 1;
  const from = performance.now();
  let hanging: NodeJS.Timeout | undefined;
  const received = new Promise<Came['end']>((resolve) => {
    hanging = setTimeout(() => resolve('hangs'), HANG_MS);
    socket.listen({
      onBytes: (bytes) => {
        reader.push(bytes);
        if (reader.isWhole || reader.fault !== undefined) resolve('whole');
        else if (hasEnough(request, reader)) resolve('left');
        else if (request.readRestMs > 0) socket.rest(request.readRestMs);
      },
      onClosed: () => {
        reader.end();
        resolve(reader.isWhole ? 'whole' : 'cut');
      },
    });
  });
  const sent = sending.run();
  const end = await Promise.race([received, sent.then((left) => (left ? 'left' : received))]);
  const to = performance.now();
  clearTimeout(hanging);
  const { closedBy } = socket;
  const said = /^connection: close$/im.test(reader.head ?? '');
  if (end === 'left') socket.leave(request.leave?.reset);
  else if (end !== 'whole') socket.leave();
  // A client that is not asked to leave must send its announced body before anything else.
  else if (!said && !request.closes) await sent;
  sending.stop();
  socket.listen(undefined);
  const [isHead, hasBody] = [request.method === 'HEAD', request.body.length > 0];
  return { reader, end, closedBy, wasAsked: sending.wasAsked, isFirst, isHead, hasBody, from, to };
}

function hasEnough({ leave }: SoakRequest, reader: ResponseReader): boolean {
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
  async run(): Promise<boolean> {
    const { head, body, writeRestMs, leave } = this.#request;
    if (leave?.at === 'nothing') return true;
    if (leave?.at === 'head') {
      await this.#socket.write(head.slice(0, head.length >> 1));
      return true;
    }
    this.wasAsked = true;
    await this.#socket.write(head);
    const pieces = leave?.at === 'body' ? body.slice(0, body.length >> 1) : body;
    for (const piece of pieces) {
      if (writeRestMs > 0) await rest(writeRestMs);
      if (this.#stopped || this.#socket.closedBy !== undefined) return false;
      await this.#socket.write(piece);
    }
    return leave?.at === 'end' || leave?.at === 'body';
  }
}
