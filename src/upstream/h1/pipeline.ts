import { Buffer } from 'node:buffer';
import type { RequestLines } from '../../http/message.ts';
import type { Turn } from '../../lib/turn.ts';
import { isRepeatable } from '../repeatable.ts';
import type { ResponseSink } from '../response-sink.ts';
import type { ByteSocket } from './byte-socket.ts';

/**
 * Bytes of an abandoned response that are read to get at the responses after it. Beyond that, new connections are
 * cheaper.
 */
const DISCARD_BYTES = 256 * 1024;

/** A request that follows the current one. */
export interface Follower {
  readonly method: string;
  /** Undefined once it is written. */
  head: RequestLines | undefined;
  /** Undefined once the response is abandoned. */
  sink: ResponseSink | undefined;
}

/**
 * The requests on one connection (RFC 9112 §9.3.2). The next response belongs to the current request. Its followers are
 * in the order of their responses. Heads leave together at the end of a turn.
 */
export class Pipeline {
  /** The tick at which followers stop waiting for the end of a response under way. */
  releaseAt = Number.POSITIVE_INFINITY;
  readonly #socket: ByteSocket;
  readonly #turn: Turn;
  readonly #followers: Follower[] = [];
  /** The current request's head until it is written. */
  #head: RequestLines | undefined;
  #writesAtTurnEnd = false;
  /** Bytes of an abandoned response that may still arrive. */
  #discardable = 0;

  constructor(socket: ByteSocket, turn: Turn) {
    this.#socket = socket;
    this.#turn = turn;
  }

  /** Followers. */
  get size(): number {
    return this.#followers.length;
  }

  /** A sink waits for the response to a follower. */
  get awaited(): boolean {
    return this.#followers.some(({ sink }) => sink !== undefined);
  }

  /** Heads are written at the end of this turn. */
  get writesAtTurnEnd(): boolean {
    return this.#writesAtTurnEnd;
  }

  /** Upstream has seen no byte of the current request. */
  get unsent(): boolean {
    return this.#head !== undefined;
  }

  /** The first follower is on its way, so bytes after the current response may be its response. */
  get followerIsSent(): boolean {
    const [first] = this.#followers;
    return first !== undefined && first.head === undefined;
  }

  /** Writes the current request's head at the end of this turn. */
  write(head: RequestLines): void {
    this.#head = head;
    this.#schedule();
  }

  /** Writes a follower's head at the end of this turn. */
  add(follower: Follower): void {
    this.#followers.push(follower);
    this.#schedule();
  }

  /** Drops the current request's head, which is then not written. */
  dropHead(): void {
    this.#head = undefined;
  }

  /** Makes the first follower the current request. */
  next(): Follower | undefined {
    const next = this.#followers.shift();
    this.#head = next?.head;
    return next;
  }

  /** The sink of a follower does not need its response any more. If the request is written, upstream still answers it. */
  abandon(sink: ResponseSink): void {
    const at = this.#followers.findIndex((follower) => follower.sink === sink);
    const follower = this.#followers[at];
    if (follower === undefined) return;
    if (follower.head === undefined) follower.sink = undefined;
    else this.#followers.splice(at, 1);
  }

  /** The next response is abandoned. */
  startDiscarding(): void {
    this.#discardable = DISCARD_BYTES;
  }

  /** Takes a part of an abandoned response. Returns false when there is too much of it. */
  discard(pieces: readonly Uint8Array[]): boolean {
    for (const piece of pieces) this.#discardable -= piece.length;
    return this.#discardable >= 0;
  }

  /** Reports to every follower that this connection will not carry its response. */
  failFollowers(): void {
    for (const { method, head, sink } of this.#followers.splice(0)) {
      sink?.onFailure({
        reason: 'upstream_reset',
        cause: 'reset',
        sent: head === undefined ? 'all' : 'nothing',
        responseBegun: false,
        reused: true,
        repeatable: isRepeatable(method, false),
      });
    }
  }

  /** Forgets the followers without a report. */
  clear(): void {
    this.#followers.length = 0;
  }

  #schedule(): void {
    if (this.#writesAtTurnEnd) return;
    this.#writesAtTurnEnd = true;
    this.#turn.atEnd(this.#flush);
  }

  /**
   * Writes the heads of this turn at once, so that upstream wakes once for many requests and not once for each. A lone
   * request leaves just as soon.
   */
  readonly #flush = (): void => {
    this.#writesAtTurnEnd = false;
    let joined = this.#head;
    this.#head = undefined;
    for (const follower of this.#followers) {
      const { head } = follower;
      if (head === undefined) continue;
      follower.head = undefined;
      joined = joined === undefined ? head : join(joined, head);
    }
    if (joined !== undefined) this.#socket.write(joined.text, joined.encoding);
  };
}

function join(first: RequestLines, second: RequestLines): RequestLines {
  const { encoding } = first;
  if (encoding === second.encoding) return { text: first.text + second.text, encoding };
  // A character of one is a byte, and one of the other is up to three: both become bytes.
  return { text: bytesOf(first) + bytesOf(second), encoding: 'latin1' };
}

/** The lines as they leave, one character for each byte. */
function bytesOf({ text, encoding }: RequestLines): string {
  return encoding === 'latin1' ? text : Buffer.from(text, encoding).toString('latin1');
}
