import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { systemClock } from '../../../lib/clock.ts';
import type { CounterFamily } from '../../../lib/counters.ts';

/**
 * Handshakes under way in one process, some 50 KiB each. An honest one takes two round trips. Beyond the bound the oldest
 * one is cut: it is the likeliest to come from a client that says nothing.
 */
const MAX_HANDSHAKES = 1_024;

/** Milliseconds for a handshake: several retransmissions on a poor network (RFC 6298 §2). Node.js waits 120 s. */
const HANDSHAKE_MS = 10_000;

interface Pending {
  readonly onSecure: (socket: TLSSocket) => void;
  readonly onLost: () => void;
  /** Monotonic milliseconds. */
  readonly since: number;
}

/** How a handshake ended: a label of a metric. */
export type HandshakeResult =
  /** A whole handshake, and a resumed session. */
  | 'full'
  | 'resumed'
  /** What the client sent or offered is not accepted. */
  | 'failed'
  | 'timed_out'
  /** The client has left. */
  | 'aborted'
  /** Cut because too many were under way. */
  | 'crowded'
  /** The client named a host of no certificate. */
  | 'unknown_name'
  /** The client has no certificate that is accepted. */
  | 'client_certificate';

/** The TLS handshakes of a front that are under way. */
export class Handshakes {
  readonly #counts: CounterFamily;
  /** In the order in which they began. */
  readonly #pending = new Map<Socket, Pending>();

  /** @param counts by `HandshakeResult`. */
  constructor(counts: CounterFamily) {
    this.#counts = counts;
  }

  /** Handshakes under way. */
  get size(): number {
    return this.#pending.size;
  }

  /**
   * Begins to wait for a handshake over `raw`.
   * @param onSecure takes the connection after it. @param onLost called once when the connection ends before `passed`.
   */
  begin(raw: Socket, onSecure: (socket: TLSSocket) => void, onLost: () => void): void {
    const [oldest] = this.#pending.keys();
    if (this.#pending.size >= MAX_HANDSHAKES && oldest !== undefined) this.fail(oldest, 'crowded');
    this.#pending.set(raw, { onSecure, onLost, since: systemClock.monotonic() });
    raw.once('close', () => this.lose(raw, 'aborted'));
  }

  /** The handshake is over, and the connection goes on unless it was lost in the same turn. */
  pass(raw: Socket, socket: TLSSocket): void {
    const pending = this.#pending.get(raw);
    if (pending === undefined) {
      socket.destroy();
      return;
    }
    this.#pending.delete(raw);
    this.#count(socket.isSessionReused() ? 'resumed' : 'full');
    pending.onSecure(socket);
  }

  /**
   * The handshake has failed; the caller cuts the connection. Inside an event of the TLS socket that must be the TLS
   * socket: it still uses the socket below.
   */
  lose(raw: Socket, result: HandshakeResult): void {
    const pending = this.#pending.get(raw);
    if (pending === undefined) return;
    this.#pending.delete(raw);
    this.#count(result);
    pending.onLost();
  }

  /** Cuts a connection whose handshake cannot succeed. Must not be called inside an event of its TLS socket. */
  fail(raw: Socket, result: HandshakeResult): void {
    this.lose(raw, result);
    raw.destroy();
  }

  /** Cuts the handshakes that take too long. Called about once a second. @param now monotonic milliseconds. */
  review(now: number): void {
    for (const [raw, { since }] of this.#pending) {
      if (now - since < HANDSHAKE_MS) return;
      this.fail(raw, 'timed_out');
    }
  }

  /** Cuts every handshake. */
  close(): void {
    for (const raw of [...this.#pending.keys()]) this.fail(raw, 'aborted');
  }

  #count(result: HandshakeResult): void {
    this.#counts.of(result).value += 1;
  }
}
