import { type Frame, frame, PREFACE, settings, settingsAck, types, uint32 } from '../front/node/h2/frames.ts';
import type { ClientSocket } from './client-socket.ts';
import { type Field, H2Encoder } from './h2-encoder.ts';
import { H2FrameReader, MAX_PAYLOAD, type ReadFrame } from './h2-frame-reader.ts';
import { H2Stream, STREAM_WINDOW, type StreamOutput } from './h2-stream.ts';

/** Bytes of a window without SETTINGS (RFC 9113 §6.9.2), and of the largest (§6.9.1). */
const FIRST_WINDOW = 65_535;
const MAX_WINDOW = 2 ** 31 - 1;
/** Bytes that the gateway may send on all streams: more than all that share a session, so that no slow one holds up others. */
const SESSION_WINDOW = 16 * STREAM_WINDOW;

const [END_STREAM, ACK, END_HEADERS] = [0x1, 0x1, 0x4];
const [ENABLE_PUSH, INITIAL_WINDOW_SIZE] = [0x2, 0x4];
const [CANCEL, REFUSED_STREAM] = [0x8, 0x7];

/**
 * One connection by HTTP/2, which several clients share. It reads whatever comes, also while it writes, and holds the
 * gateway to the protocol and to both windows.
 */
export class H2Session implements StreamOutput {
  readonly socket: ClientSocket;
  /** When GOAWAY came, in monotonic milliseconds; undefined: not yet. */
  askedToLeaveAt: number | undefined;
  readonly #onBreach: (what: string) => void;
  readonly #encoder = new H2Encoder();
  readonly #reader = new H2FrameReader();
  readonly #streams = new Map<number, H2Stream>();
  /** Streams that the client has reset, of which more may be on its way. */
  readonly #left = new Set<number>();
  #nextId = 1;
  #isLeaving = false;
  #sendWindow = FIRST_WINDOW;
  #streamSendWindow = FIRST_WINDOW;
  #window = FIRST_WINDOW;

  /**
   * @param socket one that is open, or could not be opened.
   * @param onBreach called when the gateway breaks the protocol.
   */
  constructor(socket: ClientSocket, onBreach: (what: string) => void) {
    this.socket = socket;
    this.#onBreach = onBreach;
    socket.listen({ onBytes: (bytes) => this.#onBytes(bytes), onClosed: () => this.#onClosed() });
    if (socket.closedBy === undefined) this.#greet();
  }

  /** Neither side has begun to end it. */
  get takesRequests(): boolean {
    return this.socket.closedBy === undefined && !this.#isLeaving && this.askedToLeaveAt === undefined;
  }

  request(fields: readonly Field[], ends: boolean): H2Stream {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new H2Stream(id, this.#streamSendWindow, this);
    stream.isSent = ends;
    this.#streams.set(id, stream);
    let block = this.#encoder.encode(fields);
    let type: number = types.headers;
    while (block.length > MAX_PAYLOAD) {
      this.#write(frame(type, ends ? END_STREAM : 0, id, block.subarray(0, MAX_PAYLOAD)));
      block = block.subarray(MAX_PAYLOAD);
      type = types.continuation;
    }
    const flags = type === types.headers && ends ? END_HEADERS | END_STREAM : END_HEADERS;
    this.#write(frame(type, flags, id, block));
    return stream;
  }

  /** The client has done with it; a stream whose both sides have not ended is reset. */
  end(stream: H2Stream): void {
    this.#streams.delete(stream.id);
    const isOpen = stream.cutBy === undefined && !(stream.isSent && stream.hasEnded);
    stream.onCut('the client');
    if (isOpen) {
      this.#left.add(stream.id);
      this.#write(frame(types.reset, 0, stream.id, uint32(CANCEL)));
    }
    if (this.#isLeaving || this.askedToLeaveAt !== undefined) this.leave();
  }

  /** Ends it when its last request has ended. */
  leave(): void {
    this.#isLeaving = true;
    if (this.#streams.size === 0) this.socket.leave();
  }

  room({ sendWindow }: H2Stream): number {
    return Math.min(this.#sendWindow, sendWindow, MAX_PAYLOAD);
  }

  data(stream: H2Stream, bytes: Uint8Array, ends: boolean): Promise<void> {
    this.#sendWindow -= bytes.length;
    stream.sendWindow -= bytes.length;
    return this.socket.write(frame(types.data, ends ? END_STREAM : 0, stream.id, bytes));
  }

  grant({ id }: H2Stream, bytes: number): void {
    this.#write(frame(types.window, 0, id, uint32(bytes)));
  }

  #greet(): void {
    const own = settings([ENABLE_PUSH, 0], [INITIAL_WINDOW_SIZE, STREAM_WINDOW]);
    this.#window = SESSION_WINDOW;
    const more = frame(types.window, 0, 0, uint32(SESSION_WINDOW - FIRST_WINDOW));
    this.#write(Buffer.concat([PREFACE, own, more]));
    // The gateway greets as soon as the handshake ends.
    this.#onBytes(this.socket.takeSurplus());
  }

  #onBytes(bytes: Buffer): void {
    try {
      for (const one of this.#reader.read(bytes)) this.#take(one);
    } catch (error) {
      this.#onBreach(`the gateway sends ${(error as Error).message}`);
      this.socket.leave();
    }
  }

  #onClosed(): void {
    for (const stream of this.#streams.values()) stream.onCut(this.socket.closedBy ?? 'neither side');
  }

  #take(one: ReadFrame): void {
    const { type, flags, stream: id, payload, fields = [] } = one;
    const ends = (flags & END_STREAM) !== 0;
    if (type === types.data) this.#takeData(one);
    else if (type === types.headers) this.#open(one)?.onHead(fields, ends);
    else if (type === types.reset) this.#reset(id, payload.readUInt32BE());
    else if (type === types.window) this.#widen(id, payload.readUInt32BE());
    else if (type === types.goaway) this.#goAway(payload.readUInt32BE(0), payload.readUInt32BE(4));
    else if (type === types.ping && (flags & ACK) === 0) this.#write(frame(types.ping, ACK, 0, payload));
    else if (type === types.settings && (flags & ACK) === 0) this.#apply(payload);
    else if (type === types.push) throw new Error('a promise of a push');
  }

  #takeData(one: Frame): void {
    const { stream: id, payload, flags } = one;
    const stream = this.#open(one);
    this.#window -= payload.length;
    if (this.#window < 0 || (stream !== undefined && stream.window < payload.length)) {
      throw new Error(`more bytes than the window of stream ${id} allows`);
    }
    if (this.#window < SESSION_WINDOW / 2) {
      this.#write(frame(types.window, 0, 0, uint32(SESSION_WINDOW - this.#window)));
      this.#window = SESSION_WINDOW;
    }
    stream?.onData(payload, (flags & END_STREAM) !== 0);
  }

  /** The stream of a frame that belongs to a response; undefined when the client has reset it. */
  #open({ stream: id, type }: Frame): H2Stream | undefined {
    const stream = this.#streams.get(id);
    if ((stream?.hasEnded ?? true) && !this.#left.has(id)) {
      throw new Error(`a frame of type ${type} on stream ${id}, which is not open`);
    }
    return stream;
  }

  #reset(id: number, code: number): void {
    if (id >= this.#nextId) throw new Error(`a reset of stream ${id}, which was not begun`);
    this.#streams.get(id)?.onReset(code);
  }

  /** A stream beyond the last one that the gateway serves is one that it has not begun (RFC 9113 §6.8). */
  #goAway(lastId: number, code: number): void {
    if (code !== 0) throw new Error(`GOAWAY with ${code}`);
    this.askedToLeaveAt ??= performance.now();
    for (const stream of this.#streams.values()) if (stream.id > lastId) stream.onReset(REFUSED_STREAM);
  }

  #widen(id: number, bytes: number): void {
    if (id === 0) {
      this.#sendWindow += bytes;
      for (const stream of this.#streams.values()) stream.onRoom();
    } else this.#widenStream(this.#streams.get(id), bytes);
    if (bytes === 0 || this.#sendWindow > MAX_WINDOW) throw new Error(`WINDOW_UPDATE by ${bytes} bytes`);
  }

  #widenStream(stream: H2Stream | undefined, bytes: number): void {
    if (stream === undefined) return;
    stream.sendWindow += bytes;
    if (stream.sendWindow > MAX_WINDOW) throw new Error(`a window of ${stream.sendWindow} bytes`);
    stream.onRoom();
  }

  #apply(payload: Buffer): void {
    for (let at = 0; at < payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      if (payload.readUInt16BE(at) !== INITIAL_WINDOW_SIZE) continue;
      for (const stream of this.#streams.values()) this.#widenStream(stream, value - this.#streamSendWindow);
      this.#streamSendWindow = value;
    }
    this.#write(settingsAck);
  }

  #write(bytes: Uint8Array): void {
    void this.socket.write(bytes);
  }
}
