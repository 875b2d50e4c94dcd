import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';

/**
 * Bytes read from a client at once. All sockets share one buffer: a read and all use of its bytes happen in one turn,
 * and an idle connection holds no buffer.
 */
const READ_BYTES = 64 * 1024;

/** Bytes that a read of TLS brings at most: the content of a record (RFC 8446 §5.1). */
const RECORD_BYTES = 16 * 1024;

/**
 * Bytes of full reads of all sockets in one turn of the loop. Behind them each socket has one such read, and waits for the
 * next turn. The system would go on for 32 reads, which is 2 MiB of an upload; with several uploads, other clients would
 * wait for all of that in each turn.
 */
const BYTES_IN_A_TURN = 2 * READ_BYTES;

/** What Node.js gives a socket that was made with `onread`. An accepted socket has the same members, unset. */
interface Door {
  readonly buffer: symbol;
  readonly callback: symbol;
}

interface ReadHandle {
  useUserBuffer?(buffer: Uint8Array): void;
}

/**
 * Reads of accepted sockets into one shared buffer. Node.js has no documented way for them: `onread` is an option of
 * sockets that connect. This class is the only place that reaches inside; where the inside differs, it reads by `data`
 * events, which cost more and do the same.
 */
export class SharedRead {
  readonly buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #door: Door | undefined = findDoor();
  /** What the last read has brought. Clients repeat their requests, so the next one often has the same length. */
  #view = this.buffer.subarray(0, 0);
  /** Bytes of the full reads of this turn. */
  #fullBytes = 0;
  /** Sockets that have had their share of this turn. */
  #waiting: Socket[] = [];

  /** Whether sockets read into the shared buffer. */
  get isShared(): boolean {
    return this.#door !== undefined;
  }

  /** Hands `onBytes` what `socket` reads: a view that is valid during the call. The caller resumes the socket. */
  attach(socket: Socket, onBytes: (bytes: Buffer) => void): void {
    const door = this.#door;
    const handle = (socket as unknown as { _handle?: ReadHandle | null })._handle;
    if (door === undefined || typeof handle?.useUserBuffer !== 'function') {
      socket.on('data', onBytes);
      return;
    }
    const { buffer } = this;
    const members = socket as unknown as Record<symbol, unknown>;
    // A read that brings less has left nothing behind.
    const full = 'encrypted' in socket ? RECORD_BYTES : READ_BYTES;
    members[door.buffer] = buffer;
    members[door.callback] = (length: number): boolean => {
      if (this.#view.length !== length) this.#view = buffer.subarray(0, length);
      onBytes(this.#view);
      return length < full || this.#mayGoOn(socket, length);
    };
    handle.useUserBuffer(buffer);
  }

  /** Whether a socket that has brought a full read may be read again in this turn. */
  #mayGoOn(socket: Socket, length: number): boolean {
    if (this.#fullBytes === 0) setImmediate(() => this.#readOn());
    this.#fullBytes += length;
    if (this.#fullBytes < BYTES_IN_A_TURN) return true;
    this.#waiting.push(socket);
    return false;
  }

  /** The next turn begins. A socket whose client was paused meanwhile reads on with its `resume`. */
  #readOn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#fullBytes = 0;
    for (const socket of waiting) if (!socket.destroyed && !socket.isPaused()) socket.resume();
  }
}

/** Finds the members by making a socket of the documented kind, and checks that an accepted one would have them unset. */
function findDoor(): Door | undefined {
  const callback = (): boolean => true;
  const buffer = Buffer.alloc(1);
  const withOption = new Socket({ onread: { buffer, callback } } as ConstructorParameters<typeof Socket>[0]);
  const without = new Socket() as unknown as Record<symbol, unknown>;
  const members = withOption as unknown as Record<symbol, unknown>;
  const holding = (value: unknown): symbol | undefined =>
    Object.getOwnPropertySymbols(members).find((name) => members[name] === value && without[name] === null);
  const door = { buffer: holding(buffer), callback: holding(callback) };
  withOption.destroy();
  return door.buffer === undefined || door.callback === undefined ? undefined : (door as Door);
}
