import assert from 'node:assert/strict';
import { TunnelInlet } from '../../../src/http/tunnel-inlet.ts';
import type { TunnelEvents, TunnelSide } from '../../../src/http/tunnel-side.ts';
import type { Random } from '../../support/fuzz/random.ts';

/** A side of a tunnel whose peer is played. It keeps the rules of a side, and fails when the tunnel breaks one. */
export class PlayedSide implements TunnelSide {
  readonly inlet = new TunnelInlet({ pause: () => {}, resume: () => {} }, undefined, false);
  /** What the tunnel has done to it last. */
  state: 'open' | 'ended' | 'closed' | 'cut' = 'open';
  /** The system has not taken all that was written. */
  blocked = false;
  /** The peer sends nothing more. */
  peerEnded = false;
  /** It has reset its connection. */
  wasReset = false;
  readonly #random: Random;
  readonly #left: Buffer;
  readonly #written: Buffer[] = [];
  #at = 0;

  /** @param bytes what its peer sends. */
  constructor(random: Random, bytes: Buffer) {
    this.#random = random;
    this.#left = bytes;
  }

  /** What the peer has received. */
  get written(): Buffer {
    return Buffer.concat(this.#written);
  }

  /** The peer has sent everything. */
  get isEmpty(): boolean {
    return this.#at === this.#left.length;
  }

  /** The peer sends that many bytes, by a buffer that is used again. */
  send(count: number): void {
    const bytes = Buffer.from(this.#left.subarray(this.#at, this.#at + count));
    this.#at += bytes.length;
    this.inlet.take(bytes);
    bytes.fill(0x88);
  }

  sendEnd(): void {
    this.peerEnded = true;
    this.inlet.onEnd();
  }

  sendReset(): void {
    this.peerEnded = true;
    this.wasReset = true;
    this.inlet.onClosed();
  }

  /** The system takes the rest of what was written. */
  drain(): void {
    this.blocked = false;
    this.inlet.events?.onDrained();
  }

  start(events: TunnelEvents): void {
    this.inlet.start(events);
  }

  write(bytes: Uint8Array): boolean {
    assert.equal(this.state, 'open', 'bytes behind the end');
    this.#written.push(Buffer.from(bytes));
    if (this.#random.below(4) === 0) this.blocked = true;
    return !this.blocked;
  }

  end(): void {
    assert.equal(this.state, 'open', 'a second end');
    this.state = 'ended';
  }

  pause(): void {
    this.inlet.pause();
  }

  resume(): void {
    this.inlet.resume();
  }

  close(): void {
    this.#finish('closed');
  }

  destroy(): void {
    this.#finish('cut');
  }

  #finish(state: 'closed' | 'cut'): void {
    assert.ok(this.state === 'open' || this.state === 'ended', `${state} after it was ${this.state}`);
    this.inlet.end();
    this.state = state;
  }
}
