/** How a stream has come to its end; never opened, or closed long ago. */
const FORGOTTEN = 0;
export const ENDED = 1;
export const RESET_BY_CLIENT = 2;
export const RESET_BY_US = 3;

/** Streams that are remembered: twice as many as may be open, so that what is on its way to all of them is known. */
const REMEMBERED = 256;

/**
 * Remembers how the last streams of a connection ended: what a client may have sent before it knew of the end is dropped,
 * anything else is a fault (RFC 9113 §5.1).
 */
export class ClosedStreams {
  /** Half of an identifier, as all of them are odd, above two bits for the way of its end; 0 where none was stored. */
  #ring: Uint32Array | undefined;
  #at = 0;

  add(stream: number, way: number): void {
    this.#ring ??= new Uint32Array(REMEMBERED);
    this.#ring[this.#at] = ((stream >>> 1) << 2) | way;
    this.#at = (this.#at + 1) % REMEMBERED;
  }

  wayOf(stream: number): number {
    const ring = this.#ring;
    if (ring === undefined) return FORGOTTEN;
    // The newest first: what is late belongs to a stream that ended a moment ago.
    for (let back = 1; back <= REMEMBERED; back += 1) {
      const one = ring[(this.#at - back + REMEMBERED) % REMEMBERED] as number;
      if (one >>> 2 === stream >>> 1 && one !== 0) return one & 3;
    }
    return FORGOTTEN;
  }
}
