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
 * A socket that outlives a failed write. A server that refuses a request early closes with the rest of it unread, so
 * that its kernel answers the next bytes with a reset. The response was sent before, and the kernel here still has it.
 * Node's own socket is destroyed by the failed write and never reads it. This one only sets `writeFailed` and reads on:
 * the end, or the error, of the reading side then ends it.
 */
export class UpstreamSocket extends Socket {
  /** Upstream takes no bytes any more; bytes written from now on would only be kept in memory. */
  writeFailed = false;
  /** The stream passes the same function to each write but the joined ones, so one wrapper of it is enough. */
  #done: Done | undefined = undefined;
  #guarded: Done = () => {};

  /**
   * Connects. @param read gets the number of bytes in the buffer, and returns whether it wants more.
   */
  constructor(address: UpstreamAddress, buffer: Buffer, read: (length: number, buffer: Buffer) => boolean) {
    const callback = (length: number, bytes: Uint8Array): boolean => read(length, bytes as Buffer);
    // The types have this option for `connect` alone, which passes it to this constructor.
    super({ onread: { buffer, callback } } as ConstructorParameters<typeof Socket>[0]);
    this.setNoDelay(true);
    this.connect({ host: address.host, port: address.port });
  }

  /**
   * Writes what the kernel takes at this moment. The stream keeps everything behind a write that had to wait until the
   * turn is over; one turn of a fast upload can bring a hundred megabytes, and upstream reads meanwhile.
   * @returns the number of bytes written; 0 while earlier bytes wait. The rest goes through `write`, which reports an
   * error.
   */
  writeNow(bytes: Uint8Array): number {
    if (this.connecting || this.writeFailed || this.writableLength > 0) return 0;
    const { _handle: handle } = this as unknown as { _handle?: { fd?: number } | null };
    const fd = handle?.fd ?? -1;
    if (fd < 0) return 0;
    try {
      return writeSync(fd, bytes);
    } catch {
      return 0; // The socket is full, or has an error that the next `write` meets again.
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
        // Without a call of `done` the stream goes on; a call would end it.
        if (goneCodes.has((error as NodeJS.ErrnoException | null)?.code)) this.writeFailed = true;
        else done(error);
      };
    }
    return this.#guarded;
  }
}
