import { Socket } from 'node:net';

/** The object by which Node.js reports the end of one write that the system did not take at once. */
export interface WriteRequest {
  /** Called once. @param status below 0: the write failed. */
  oncomplete: (this: WriteRequest, status: number) => void;
  /** What must stay in memory until then. */
  kept: unknown;
  owner: WriteOwner | undefined;
  /** `UNUSED` until a write of Node.js has taken the object, and from then on the number of that write. */
  getAsyncId(): number;
}

/** The number of a request that no write has taken. */
const UNUSED = -1;

/** Whose write it is. */
export interface WriteOwner {
  onWritten(status: number): void;
}

type RequestClass = new () => WriteRequest;

/** The write requests of one process. A write that is over when it returns uses none, and the next write gets the same. */
export class WriteRequests {
  readonly #Request: RequestClass;
  #spare: WriteRequest | undefined;

  private constructor(Request: RequestClass) {
    this.#Request = Request;
  }

  /** Undefined where Node.js writes in another way, as it does from version 24 on. */
  static find(): WriteRequests | undefined {
    const Request = findClass();
    if (Request === undefined) return undefined;
    const { getAsyncId } = Request.prototype as Partial<WriteRequest>;
    if (typeof getAsyncId !== 'function' || getAsyncId.call(new Request()) !== UNUSED) return undefined;
    return new WriteRequests(Request);
  }

  /**
   * The request for a write that follows now. `spend` must follow when Node.js has taken it.
   * @param owner gets the report, even inside the call that writes.
   */
  next(owner: WriteOwner): WriteRequest {
    this.#spare ??= this.#create();
    this.#spare.owner = owner;
    return this.#spare;
  }

  /**
   * Whether the write that has just returned needed no request. An empty queue does not show that: when the client takes
   * bytes between the two attempts of one write, all are sent and a report follows all the same. A request that is used
   * again before its report ends the process.
   */
  get isUnused(): boolean {
    return this.#spare?.getAsyncId() === UNUSED;
  }

  /** Node.js has taken the request, or it has failed. @param kept stays in memory until the report. */
  spend(kept: unknown): void {
    if (this.#spare !== undefined) this.#spare.kept = kept;
    this.#spare = undefined;
  }

  #create(): WriteRequest {
    const request = new this.#Request();
    request.oncomplete = onComplete;
    request.owner = undefined;
    request.kept = undefined;
    return request;
  }
}

function onComplete(this: WriteRequest, status: number): void {
  this.kept = undefined;
  this.owner?.onWritten(status);
}

/**
 * Finds the class of write requests. Node.js has no documented way to it: a socket writes to a handle of ours, which sees
 * the request. `process.binding` would be another, and is deprecated.
 */
function findClass(): RequestClass | undefined {
  let seen: unknown;
  const see = (request: unknown): number => {
    seen = request;
    return 0;
  };
  const handle = { writeLatin1String: see, close: () => {} };
  const options = { handle, manualStart: true, readable: false, writable: true };
  try {
    const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
    socket.on('error', () => {});
    socket.write('-', 'latin1');
    socket.destroy();
  } catch {
    // Another inside: the streams of Node.js write.
    return undefined;
  }
  const request = seen as (Partial<WriteRequest> & { readonly constructor: unknown }) | null | undefined;
  return typeof request?.oncomplete === 'function' && request.constructor !== Object
    ? (request.constructor as RequestClass)
    : undefined;
}
