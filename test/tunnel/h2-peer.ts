import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { acceptOf } from '../../src/http/websocket/handshake.ts';
import { connectFields, data, flags, requestBlock, windowUpdate } from '../front/node/h2/client.ts';
import {
  type Frame,
  frame,
  framesIn,
  PREFACE,
  settings,
  settingsAck,
  types,
} from '../front/node/h2/frames.ts';
import { Blocks } from '../front/node/h2/hpack/decoding.ts';
import { accepting, type Peer } from './peers.ts';

type Fields = readonly (readonly [name: string, value: string])[];
export type Settings = readonly (readonly [id: number, value: number])[];

export const INITIAL_WINDOW_SIZE = 4;

/** What has come on one stream. */
class StreamState {
  fields: readonly string[] | undefined;
  /** One character for each byte. */
  text = '';
  ended = false;
  reset: number | undefined;
  granted = 0;

  get status(): number {
    return Number(this.fields?.[0]?.slice(':status: '.length));
  }

  /** No frame follows. */
  get isOver(): boolean {
    return this.ended || this.reset !== undefined;
  }
}

/** A client of HTTP/2 that speaks in frames. It does nothing by itself, but for what comes. */
export class H2Peer {
  readonly socket: Socket;
  /** The code of the last GOAWAY. */
  goAway: number | undefined;
  closed = false;
  granted = 0;
  readonly #streams = new Map<number, StreamState>();
  readonly #blocks = new Blocks();
  #pongs = 0;
  #rest: Buffer = Buffer.alloc(0);
  #wake = (): void => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      const { frames, rest } = framesIn(Buffer.concat([this.#rest, bytes]));
      this.#rest = rest;
      for (const one of frames) this.#take(one);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** Says first what any client says, with these settings. */
  static greet(socket: Socket, ...pairs: Settings): H2Peer {
    const peer = new H2Peer(socket);
    peer.send(PREFACE, settings(...pairs), settingsAck);
    return peer;
  }

  static async dial(port: number, ...pairs: Settings): Promise<H2Peer> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return H2Peer.greet(socket, ...pairs);
  }

  send(...bytes: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  /** Begins a request that goes on behind its head, unless it `ends`. */
  ask(id: number, fields: Fields, ends = false): StreamState {
    this.send(frame(types.headers, ends ? flags.end : flags.endHeaders, id, requestBlock(fields)));
    return this.stream(id);
  }

  /** Asks for a WebSocket, with more fields. */
  connect(id: number, authorization: string, ...more: Fields): StreamState {
    return this.ask(id, connectFields(['authorization', authorization], ...more));
  }

  data(id: number, text: string, ends = false): void {
    this.send(data(id, Buffer.from(text, 'latin1'), ends));
  }

  /** Lets the gateway send more on a stream and on the connection. */
  widen(id: number, bytes: number): void {
    this.send(windowUpdate(0, bytes), windowUpdate(id, bytes));
  }

  stream(id: number): StreamState {
    let known = this.#streams.get(id);
    if (known === undefined) {
      known = new StreamState();
      this.#streams.set(id, known);
    }
    return known;
  }

  async when(done: () => boolean): Promise<void> {
    while (!done()) {
      if (this.closed) throw new Error(`the connection ended, with GOAWAY ${this.goAway}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when the gateway has read all that was sent, and all its frames of before have come. */
  async roundTrip(): Promise<void> {
    const before = this.#pongs;
    this.send(frame(types.ping, 0, 0, Buffer.alloc(8)));
    await this.when(() => this.#pongs > before);
  }

  /** Resolves when the gateway has closed the connection. */
  async end(): Promise<void> {
    if (!this.closed) await once(this.socket, 'close');
  }

  #take({ type, flags: its, stream: id, payload }: Frame): void {
    const stream = this.stream(id);
    if (id > 0 && stream.isOver && type !== types.reset)
      throw new Error(`frame ${type} behind the end of ${id}`);
    if (type === types.headers) stream.fields = this.#blocks.read(payload);
    if (type === types.data) stream.text += payload.toString('latin1');
    if (type <= types.headers && (its & flags.endStream) !== 0) stream.ended = true;
    if (type === types.reset) stream.reset = payload.readUInt32BE(0);
    if (type === types.window && id > 0) stream.granted += payload.readUInt32BE(0);
    if (type === types.window && id === 0) this.granted += payload.readUInt32BE(0);
    if (type === types.goaway) this.goAway = payload.readUInt32BE(4);
    if (type === types.ping && (its & flags.ack) !== 0) this.#pongs += 1;
  }
}

/** A server's 101 for the request of this head. */
export function acceptingFor(head: string, more = ''): string {
  const key = /\r\nsec-websocket-key: (.*)\r\n/.exec(head)?.[1];
  if (key === undefined) throw new Error(`no key in ${head}`);
  return accepting(more, acceptOf(key));
}

/** Lets the server open a WebSocket. Returns the head that it has got. */
export async function accept(server: Peer, more = ''): Promise<string> {
  const head = await server.until('\r\n\r\n');
  server.send(acceptingFor(head, more));
  return head;
}
