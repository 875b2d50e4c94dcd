import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  type Frame,
  frame,
  framesIn,
  PREFACE,
  settings,
  settingsAck,
  types,
} from '../../front/node/h2/frames.ts';
import { literal } from '../../front/node/h2/hpack/reference-encoder.ts';
import { eventually } from '../../support/gateway.ts';

export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;

/** A server that speaks in frames, and so keeps to no rule by itself. It acknowledges settings and pings. */
export class FrameServer {
  readonly sockets: Socket[] = [];
  /** All frames that have come, of all connections, but for settings and window updates. */
  readonly frames: Frame[] = [];
  pings = true;
  /** Called when the whole of a request has come. */
  onRequest: ((socket: Socket, stream: number) => void) | undefined;
  readonly #server: Server;
  readonly #first: Buffer;

  private constructor(first: Buffer) {
    this.#first = first;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** @param first what it sends first. */
  static async start(first: Buffer = settings()): Promise<FrameServer> {
    const server = new FrameServer(first);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Sends frames on the latest connection. */
  send(...bytes: readonly Uint8Array[]): void {
    this.sockets.at(-1)?.write(Buffer.concat(bytes));
  }

  /** The streams whose head has come, in their order, once there are so many. */
  async requests(count: number): Promise<readonly number[]> {
    const heads = (): number[] =>
      this.frames.filter(({ type }) => type === types.headers).map(({ stream }) => stream);
    return eventually(heads, (seen) => seen.length >= count);
  }

  /** The code by which the gateway resets this stream, once it has. */
  async resetOf(stream: number): Promise<number | undefined> {
    const found = await eventually(
      () => this.frames.find((one) => one.type === types.reset && one.stream === stream),
      (seen) => seen !== undefined,
    );
    return found?.payload.readUInt32BE(0);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.sockets.push(socket);
    let bytes: Buffer = Buffer.alloc(0);
    let greeted = false;
    socket.on('error', () => {});
    socket.write(this.#first);
    socket.on('data', (data) => {
      bytes = Buffer.concat([bytes, data]);
      if (!greeted && bytes.length >= PREFACE.length) {
        bytes = bytes.subarray(PREFACE.length);
        greeted = true;
      }
      if (!greeted) return;
      const { frames, rest } = framesIn(bytes);
      bytes = rest;
      for (const one of frames) {
        if (one.type === types.settings && one.flags === 0) socket.write(settingsAck);
        else if (one.type === types.ping && one.flags === 0 && this.pings) {
          socket.write(frame(types.ping, 1, 0, one.payload));
        }
        if (one.type !== types.settings && one.type !== types.window) this.frames.push(one);
        const isPart = one.type === types.headers || one.type === types.data;
        if (isPart && (one.flags & END_STREAM) !== 0) this.onRequest?.(socket, one.stream);
      }
    });
  }
}

/** HEADERS with these fields. */
export function head(
  stream: number,
  fields: readonly (readonly [name: string, value: string])[],
  flags: number = END_HEADERS,
): Buffer {
  const block = Buffer.concat(fields.map(([name, value]) => literal('without', name, value)));
  return frame(types.headers, flags, stream, block);
}

export function body(stream: number, text: string, ends = false): Buffer {
  return frame(types.data, ends ? END_STREAM : 0, stream, Buffer.from(text));
}
