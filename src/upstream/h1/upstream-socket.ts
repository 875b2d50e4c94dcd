import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { ServerAddress } from '../../config/upstream-config.ts';
import type { ByteSocket } from './byte-socket.ts';
import { type Done, WriteGuard } from './write-guard.ts';

/**
 * A socket that outlives a failed write. A server that refuses a request early closes with the rest of it unread, so its
 * kernel resets the connection at the next bytes. The response was sent before the reset, and our kernel still has it.
 * A failed write destroys Node's own socket, which then never reads the response. This socket only sets `writeFailed`
 * and reads on, until its reading side ends or fails.
 */
export class UpstreamSocket extends Socket implements ByteSocket {
  readonly #guard = new WriteGuard();

  /**
   * Connects. @param read gets the number of bytes in the buffer, and returns whether it wants more.
   */
  constructor(address: ServerAddress, buffer: Buffer, read: (length: number, buffer: Buffer) => boolean) {
    const callback = (length: number, bytes: Uint8Array): boolean => read(length, bytes as Buffer);
    // The typings have this option only for `connect`, which passes it to this constructor.
    super({ onread: { buffer, callback } } as ConstructorParameters<typeof Socket>[0]);
    this.setNoDelay(true);
    this.connect({ ...address });
  }

  get writeFailed(): boolean {
    return this.#guard.failed;
  }

  get wasReset(): boolean {
    return this.#guard.wasReset;
  }

  /**
   * Writes as many bytes as the kernel takes now. After a write that had to wait, the stream would keep all further
   * bytes until the turn is over. One turn of a fast upload can bring a hundred megabytes, and upstream reads meanwhile.
   * @returns the number of bytes written; 0 while earlier bytes wait. The rest must go through `write`, which reports
   *   errors.
   */
  writeNow(bytes: Uint8Array): number {
    if (this.connecting || this.writeFailed || this.writableLength > 0) return 0;
    const { _handle: handle } = this as unknown as { _handle?: { fd?: number } | null };
    const fd = handle?.fd ?? -1;
    if (fd < 0) return 0;
    try {
      return writeSync(fd, bytes);
    } catch (error) {
      this.#guard.note(error);
      return 0; // The socket is full, or has an error that the next `write` will report.
    }
  }

  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    super._write(chunk, encoding, this.#guard.wrap(done));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    super._writev?.(chunks, this.#guard.wrap(done));
  }
}
