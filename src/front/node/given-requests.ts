import {
  type HandleWrites,
  reportWrite,
  UNDER_WAY,
  UNUSED,
  type WriteHandle,
  type WriteOwner,
  type WriteRequest,
} from './handle-writes.ts';

type RequestClass = new () => WriteRequest;

/**
 * Writes of a Node.js that wants a request for each, as versions up to 22 do. A write that is over when it returns uses
 * none, and the next write gets the same.
 */
export class GivenRequests implements HandleWrites {
  readonly #Request: RequestClass;
  #spare: WriteRequest | undefined;

  private constructor(Request: RequestClass) {
    this.#Request = Request;
  }

  /** @param request one that Node.js has made. @returns undefined when no write of it could be known to be over. */
  static of(request: object): GivenRequests | undefined {
    const Request = request.constructor as RequestClass;
    if ((Request as unknown) === Object) return undefined;
    const { getAsyncId } = Request.prototype as Partial<WriteRequest>;
    if (typeof getAsyncId !== 'function' || getAsyncId.call(new Request()) !== UNUSED) return undefined;
    return new GivenRequests(Request);
  }

  writeBuffer(handle: WriteHandle, bytes: Uint8Array, owner: WriteOwner, kept: unknown): number {
    const request = this.#next(owner);
    return this.#resultOf(request, handle.writeBuffer(request, bytes) as number, kept);
  }

  writev(handle: WriteHandle, pieces: readonly Uint8Array[], owner: WriteOwner, kept: unknown): number {
    const request = this.#next(owner);
    return this.#resultOf(request, handle.writev(request, pieces, true) as number, kept);
  }

  #next(owner: WriteOwner): WriteRequest {
    this.#spare ??= this.#create();
    this.#spare.owner = owner;
    return this.#spare;
  }

  /**
   * An empty queue does not show that a write is over: when the client takes bytes between the two attempts of one write,
   * all are sent and a report follows all the same. A request that is used again before its report ends the process.
   */
  #resultOf(request: WriteRequest, error: number, kept: unknown): number {
    if (error === 0 && kept !== undefined && request.getAsyncId() === UNUSED) return 0;
    request.kept = kept;
    this.#spare = undefined;
    return error === 0 ? UNDER_WAY : error;
  }

  #create(): WriteRequest {
    const request = new this.#Request();
    request.oncomplete = reportWrite;
    request.owner = undefined;
    request.kept = undefined;
    return request;
  }
}
