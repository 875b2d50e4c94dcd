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
const NO_HELLO: Hello = { done: true, serverName: undefined, message: undefined };

/**
 * Reads the host name from a ClientHello (RFC 8446 §4.1.2, RFC 6066 §3) before OpenSSL does. Node.js lets a name choose
 * one certificate only, and leaves those of other types of key from the first context in force beside it.
 */
export class ClientHelloReader {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  /** Bytes below which another attempt finds nothing new. */
  #wanted = RECORD_HEADER;

  /** Everything that was read. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  push(chunk: Buffer): Hello {
    this.#keep(chunk);
    if (this.#length < this.#wanted) return MORE;
    const message = this.#message();
    if (message === undefined) return this.#wanted > MAX_BYTES ? NO_HELLO : MORE;
    return message.length === 0 ? NO_HELLO : { done: true, serverName: serverNameOf(message), message };
  }

  #keep(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (this.#length === 0) this.#bytes = chunk;
    else {
      if (length > this.#bytes.length || this.#bytes.byteOffset !== 0) {
        const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#length));
        this.#bytes.copy(grown, 0, 0, this.#length);
        this.#bytes = grown;
      }
      chunk.copy(this.#bytes, this.#length);
    }
    this.#length = length;
  }

  /** The message without its header, out of one or several records; empty: it is none; undefined: more bytes are needed. */
  #message(): Buffer | undefined {
    const bytes = this.bytes;
    const parts: Buffer[] = [];
    let have = 0;
    let at = 0;
    for (;;) {
      this.#wanted = at + RECORD_HEADER;
      if (bytes.length < this.#wanted) return undefined;
      if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3) return Buffer.alloc(0);
      const length = bytes.readUInt16BE(at + 3);
      // A record without content would let the message come in pieces for ever.
      if (length === 0) return Buffer.alloc(0);
      this.#wanted += length;
      if (bytes.length < this.#wanted) return undefined;
      parts.push(bytes.subarray(at + RECORD_HEADER, this.#wanted));
      have += length;
      at = this.#wanted;
      if (have < MESSAGE_HEADER) continue;
      const message = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      if (message[0] !== CLIENT_HELLO) return Buffer.alloc(0);
      const whole = MESSAGE_HEADER + message.readUIntBE(1, 3);
      if (whole > MAX_BYTES) return Buffer.alloc(0);
      if (have >= whole) return message.subarray(MESSAGE_HEADER, whole);
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
