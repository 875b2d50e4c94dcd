/** The handle of a socket, as far as it writes. */
export interface WriteHandle {
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): WriteRequest | number;
  writev(
    request: WriteRequest | null,
    pieces: readonly Uint8Array[],
    allBuffers: true,
  ): WriteRequest | number;
  /** Bytes that wait. Under TLS they are encrypted, and all of a write counts until it is over. */
  readonly writeQueueSize: number;
  /** Under TLS, the handle below. */
  readonly _parent?: { readonly writeQueueSize?: number };
}

/** The object by which Node.js reports the end of one write that the system did not take at once. */
export interface WriteRequest {
  /** Called once. @param status below 0: the write failed. */
  oncomplete: ((this: WriteRequest, status: number) => void) | null;
  /** What must stay in memory until then. */
  kept: unknown;
  owner: WriteOwner | undefined;
  /** `UNUSED` before a write of Node.js takes the object and after the report, and between them the number of that write. */
  getAsyncId(): number;
}

/** The number of a request that no write has. */
export const UNUSED = -1;

/** Whose write it is. */
export interface WriteOwner {
  onWritten(status: number): void;
}

/** The result of a write that is not over. */
export const UNDER_WAY = 1;

/**
 * Writes to handles. Each write returns 0 when it is over, the number of an error below 0, or `UNDER_WAY`: then `onWritten`
 * of its owner follows once, or has followed inside the call.
 * @param kept what Node.js refers to until the end; undefined for a handle with TLS, which copies and always reports later.
 */
export interface HandleWrites {
  writeBuffer(handle: WriteHandle, bytes: Uint8Array, owner: WriteOwner, kept: unknown): number;
  writev(handle: WriteHandle, pieces: readonly Uint8Array[], owner: WriteOwner, kept: unknown): number;
}

/** `oncomplete` of all requests. */
export function reportWrite(this: WriteRequest, status: number): void {
  this.kept = undefined;
  this.owner?.onWritten(status);
}
