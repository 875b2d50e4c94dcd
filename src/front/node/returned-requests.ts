import {
  type HandleWrites,
  reportWrite,
  UNDER_WAY,
  UNUSED,
  type WriteHandle,
  type WriteOwner,
  type WriteRequest,
} from './handle-writes.ts';

/** A request that Node.js has made. */
export interface ReturnedRequest extends WriteRequest {
  /** Not null: the write ended inside the call. */
  writeStatus: number | null;
}

/** Any number of an error: Node.js tells its number nowhere that a program may read. */
const FAILED = -1;

/** Writes of a Node.js that returns a request for each that is not over, as versions 24 and 26 do. */
export class ReturnedRequests implements HandleWrites {
  writeBuffer(handle: WriteHandle, bytes: Uint8Array, owner: WriteOwner, kept: unknown): number {
    const result = handle.writeBuffer(null, bytes);
    return typeof result === 'number' ? result : resultOf(result as ReturnedRequest, owner, kept);
  }

  writev(handle: WriteHandle, pieces: readonly Uint8Array[], owner: WriteOwner, kept: unknown): number {
    const result = handle.writev(null, pieces, true);
    return typeof result === 'number' ? result : resultOf(result as ReturnedRequest, owner, kept);
  }
}

function resultOf(request: ReturnedRequest, owner: WriteOwner, kept: unknown): number {
  const { writeStatus } = request;
  if (writeStatus !== null) return writeStatus;
  // No report follows the failure of a write that had a request already.
  if (request.getAsyncId() === UNUSED) return FAILED;
  request.kept = kept;
  request.owner = owner;
  request.oncomplete = reportWrite;
  return UNDER_WAY;
}
