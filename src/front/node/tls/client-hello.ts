import { Buffer } from 'node:buffer';

/** Bytes of a ClientHello with its records. Those of real clients have up to 4 KiB, with keys of post-quantum groups. */
const MAX_BYTES = 16 * 1024;
/** Header of a record (RFC 8446 §5.1) and of a handshake message (§4). */
const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;

/** The reading of a ClientHello: incomplete, or over. OpenSSL refuses what is not one. */
export type Hello = { readonly done: false } | ReadHello;

export interface ReadHello {
  readonly done: true;
  readonly serverName: string | undefined;
  /** The message without its header; undefined: it is none. */
  readonly message: Buffer | undefined;
}

const MORE: Hello = { done: false };
const NO_MESSAGE = Buffer.alloc(0);
const NO_HELLO: Hello = { done: true, serverName: undefined, message: undefined };

/** Bytes that come in pieces. The first piece is kept as it is, and a copy is made only with the second. */
class Joined {
  #room: Buffer = NO_MESSAGE;
  #bytes: Buffer = NO_MESSAGE;

  get bytes(): Buffer {
    return this.#bytes;
  }

  add(piece: Buffer): void {
    const before = this.#bytes.length;
    if (before === 0) {
      this.#bytes = piece;
      return;
    }
    const length = before + piece.length;
    if (length > this.#room.length) {
      this.#room = Buffer.allocUnsafeSlow(2 * length);
      this.#bytes.copy(this.#room);
    }
    piece.copy(this.#room, before);
    this.#bytes = this.#room.subarray(0, length);
  }
}

/**
 * Reads the host name from a ClientHello (RFC 8446 §4.1.2, RFC 6066 §3) before OpenSSL does. Node.js lets a name choose
 * one certificate only, and leaves those of other types of key from the first context in force beside it.
 */
export class ClientHelloReader {
  readonly #raw = new Joined();
  /** The contents of the records that were read. Each is read once: a client may send a byte in each. */
  readonly #message = new Joined();
  /** Offset behind those records. */
  #at = 0;
  /** Bytes below which another attempt finds nothing new. */
  #wanted = RECORD_HEADER;

  /** Everything that was read. */
  get bytes(): Buffer {
    return this.#raw.bytes;
  }

  push(chunk: Buffer): Hello {
    this.#raw.add(chunk);
    if (this.bytes.length < this.#wanted) return MORE;
    const message = this.#read();
    if (message === undefined) return this.#wanted > MAX_BYTES ? NO_HELLO : MORE;
    return message.length === 0 ? NO_HELLO : { done: true, serverName: serverNameOf(message), message };
  }

  /** The message without its header, out of one or several records; empty: it is none; undefined: more bytes are needed. */
  #read(): Buffer | undefined {
    const { bytes } = this;
    for (;;) {
      const at = this.#at;
      this.#wanted = at + RECORD_HEADER;
      if (bytes.length < this.#wanted) return undefined;
      if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3) return NO_MESSAGE;
      const length = bytes.readUInt16BE(at + 3);
      // A record without content would let the message come in pieces for ever.
      if (length === 0) return NO_MESSAGE;
      this.#wanted += length;
      if (bytes.length < this.#wanted) return undefined;
      this.#message.add(bytes.subarray(at + RECORD_HEADER, this.#wanted));
      this.#at = this.#wanted;
      const message = this.#message.bytes;
      if (message.length < MESSAGE_HEADER) continue;
      if (message[0] !== CLIENT_HELLO) return NO_MESSAGE;
      const whole = MESSAGE_HEADER + message.readUIntBE(1, 3);
      if (whole > MAX_BYTES) return NO_MESSAGE;
      if (message.length >= whole) return message.subarray(MESSAGE_HEADER, whole);
    }
  }
}

/** A view that yields nothing behind its end. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The next `length` bytes, or what is left of them. */
  take(length: number): Buffer {
    const from = this.#at;
    this.#at = Math.min(from + length, this.#bytes.length);
    return this.#bytes.subarray(from, this.#at);
  }

  number(bytes: 1 | 2): number {
    const taken = this.take(bytes);
    return taken.length < bytes ? 0 : taken.readUIntBE(0, bytes);
  }

  /** A vector with its length before it (RFC 8446 §3.4). */
  vector(bytes: 1 | 2): Buffer {
    return this.take(this.number(bytes));
  }
}

/** The content of an extension of a ClientHello; undefined: it is not there. @param message without its header. */
export function extensionOf(message: Buffer, wanted: number): Buffer | undefined {
  const hello = new Cursor(message);
  hello.take(2 + 32);
  hello.vector(1); // legacy_session_id
  hello.vector(2); // cipher_suites
  hello.vector(1); // legacy_compression_methods
  const extensions = new Cursor(hello.vector(2));
  while (extensions.left >= 4) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    if (type === wanted) return content;
  }
  return undefined;
}

function serverNameOf(message: Buffer): string | undefined {
  const content = extensionOf(message, SERVER_NAME);
  if (content === undefined) return undefined;
  const names = new Cursor(new Cursor(content).vector(2));
  if (names.number(1) !== HOST_NAME) return undefined;
  const name = names.vector(2).toString('latin1');
  return name === '' ? undefined : name;
}
