import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { ProxyRefusal } from '../front.ts';
import { MAX_PROXY_HEADER, type ProxiedEnds, readProxyHeader } from './proxy-header.ts';

/** A connection that must begin with a header of the PROXY protocol. */
interface Arrival {
  /** Its bytes up to now. */
  bytes: Buffer;
  /** Monotonic milliseconds of the first review; -1 before. */
  since: number;
  /** Takes the listeners off. */
  readonly leave: () => void;
}

export interface EntranceEvents {
  /** The connection is gone, or was closed, before its header was whole. @param why undefined: nothing was wrong. */
  onLost(socket: Socket, why: ProxyRefusal | undefined): void;
}

const noBytes = Buffer.alloc(0);

/** Takes the header of the PROXY protocol off new connections, once, before any other byte of them is read. */
export class ProxyEntrance {
  readonly #events: EntranceEvents;
  readonly #arrivals = new Map<Socket, Arrival>();

  constructor(events: EntranceEvents) {
    this.#events = events;
  }

  /**
   * Reads the header of an accepted connection.
   * @param onHeader called once the header is whole, with the bytes behind it; nothing reads the socket then.
   *   `ends` undefined: the proxy speaks for itself.
   */
  take(socket: Socket, onHeader: (ends: ProxiedEnds | undefined, rest: Buffer) => void): void {
    const onData = (bytes: Buffer): void => this.#read(socket, bytes, onHeader);
    const onEnd = (): void => this.#lose(socket, arrival.bytes.length > 0 ? 'malformed' : undefined);
    const arrival: Arrival = {
      bytes: noBytes,
      since: -1,
      leave: () => {
        socket.off('data', onData).off('end', onEnd).off('close', onEnd);
      },
    };
    this.#arrivals.set(socket, arrival);
    // `close` follows each error.
    socket.on('error', () => {});
    socket.on('end', onEnd).on('close', onEnd).on('data', onData);
  }

  /** Called about once a second. @param limitMs milliseconds for a header. */
  review(now: number, limitMs: number): void {
    for (const [socket, arrival] of this.#arrivals) {
      if (arrival.since < 0) arrival.since = now;
      else if (now - arrival.since >= limitMs) this.#lose(socket, 'timed_out');
    }
  }

  /** Cuts every connection whose header is not whole. */
  close(): void {
    for (const socket of this.#arrivals.keys()) this.#lose(socket, undefined);
  }

  #read(
    socket: Socket,
    bytes: Buffer,
    onHeader: (ends: ProxiedEnds | undefined, rest: Buffer) => void,
  ): void {
    const arrival = this.#arrivals.get(socket);
    if (arrival === undefined) return;
    const all = arrival.bytes.length === 0 ? bytes : Buffer.concat([arrival.bytes, bytes]);
    arrival.bytes = all;
    const header = readProxyHeader(all.length > MAX_PROXY_HEADER ? all.subarray(0, MAX_PROXY_HEADER) : all);
    if (header.kind === 'more') return;
    if (header.kind === 'malformed') {
      this.#lose(socket, 'malformed');
      return;
    }
    this.#arrivals.delete(socket);
    arrival.leave();
    socket.pause();
    onHeader(header.ends, all.subarray(header.length));
  }

  #lose(socket: Socket, why: ProxyRefusal | undefined): void {
    const arrival = this.#arrivals.get(socket);
    if (arrival === undefined) return;
    this.#arrivals.delete(socket);
    arrival.leave();
    // Before the end of the socket, which takes its peer's address with it.
    this.#events.onLost(socket, why);
    socket.destroy();
  }
}
