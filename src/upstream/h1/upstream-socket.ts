import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

type Done = (error?: Error | null) => void;

export interface UpstreamAddress {
  readonly host: string;
  readonly port: number;
}

/** Upstream has closed the connection while bytes of ours were under way. */
const goneCodes: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET']);

/**
 * A socket on which a write that fails is not the end. A server that refuses a request early closes with the rest of it
 * unread, so that its kernel answers the next bytes with a reset; the answer was sent before, and the kernel here
 * still has it. Node's own socket is destroyed by the failed write and never reads it. This one only becomes `deaf`:
 * what there is to read is read, and then comes the end, or the error, of the reading side.
 */
export class UpstreamSocket extends Socket {
  /** Upstream takes no byte any more; what is written now would only be kept. */
  deaf = false;
  /** The stream hands the same function to each write but the joined ones, and one wrapper of it will do. */
  #done: Done | undefined = undefined;
  #guarded: Done = () => {};

  /**
   * Connects. @param read is told how many bytes stand in the buffer, and answers whether it wants more.
   */
  constructor(address: UpstreamAddress, buffer: Buffer, read: (length: number, buffer: Buffer) => boolean) {
    const callback = (length: number, bytes: Uint8Array): boolean => read(length, bytes as Buffer);
    // The types have this option for `connect`, which hands it on to here.
    super({ onread: { buffer, callback } } as ConstructorParameters<typeof Socket>[0]);
    this.setNoDelay(true);
    this.connect({ host: address.host, port: address.port });
  }

  /**
   * Writes what the kernel takes in this moment. The stream keeps all that follows a write which had to wait until the
   * turn is over; one turn of a fast upload can last for a hundred megabytes, and upstream reads meanwhile.
   * @returns how many bytes; 0 while earlier ones wait. What keeps the kernel from taking more shows in `write`.
   */
  writeNow(bytes: Uint8Array): number {
    if (this.connecting || this.deaf || this.writableLength > 0) return 0;
    const { _handle: handle } = this as unknown as { _handle?: { fd?: number } | null };
    const fd = handle?.fd ?? -1;
    if (fd < 0) return 0;
    try {
      return writeSync(fd, bytes);
    } catch {
      return 0; // A full socket, or an error that the write behind this meets again.
    }
  }

  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    super._write(chunk, encoding, this.#guard(done));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    super._writev?.(chunks, this.#guard(done));
  }

  #guard(done: Done): Done {
    if (done !== this.#done) {
      this.#done = done;
      this.#guarded = (error) => {
        // `done` is never called then: the stream would end by it.
        if (goneCodes.has((error as NodeJS.ErrnoException | null)?.code)) this.deaf = true;
        else done(error);
      };
    }
    return this.#guarded;
  }
}
