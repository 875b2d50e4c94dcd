import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';

/** Milliseconds from a login to its end: a working day. */
const LIFE_MS = 12 * 60 * 60_000;
/** Sessions at one time, some 200 bytes each; a further one ends the oldest. */
const MAX_SESSIONS = 64;
/** Bytes of an id, which only its holder knows. */
const ID_BYTES = 32;

/** The logins to the admin address. They are in memory alone, so they end with the gateway, and with its secret. */
export class Sessions {
  /** Seconds that a session lasts. */
  static readonly lifeSeconds = LIFE_MS / 1000;
  readonly #clock: Clock;
  /** Monotonic end of each by the hash of its id, oldest first. With hashes, the time of a look-up tells nothing of an id. */
  readonly #ends = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins a session. Returns its id. */
  begin(): string {
    const [oldest] = this.#ends.keys();
    if (this.#ends.size >= MAX_SESSIONS && oldest !== undefined) this.#ends.delete(oldest);
    const id = randomBytes(ID_BYTES).toString('base64url');
    this.#ends.set(hashOf(id), this.#clock.monotonic() + LIFE_MS);
    return id;
  }

  has(id: string): boolean {
    const end = this.#ends.get(hashOf(id));
    return end !== undefined && this.#clock.monotonic() < end;
  }

  end(id: string): void {
    this.#ends.delete(hashOf(id));
  }
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64');
}
