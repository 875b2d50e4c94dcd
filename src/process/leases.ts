import type { Config } from '../config/config.ts';
import { settledWithin } from '../lib/settled-within.ts';
import { upstreamLease } from '../limits/lease.ts';

/** A worker that holds a part of each limit. */
export interface Holder {
  /** Units of each limit that it holds before any are lent. */
  readonly shares: Units;
  /** Asks it to give up at most `wanted` units. Resolves with how many it gave up; rejects when it ends before. */
  lower(key: string, wanted: number): Promise<number>;
  /** Gives it `amount` units; a negative amount takes units from a holder that does not serve yet. */
  raise(key: string, amount: number): void;
}

/** Units of each limit, by its name. */
export type Units = ReadonlyMap<string, number>;

/**
 * Milliseconds for the other holders to say what they can spare. Units that arrive later are for the next request: a worker
 * that hangs must not keep requests waiting on another.
 */
const LOWER_MS = 100;

/** The limits that workers hold in parts, by name. */
export function unitsOf({ limits, upstreams }: Config): Units {
  const units: readonly (readonly [string, number])[] = [
    ['connections', limits.connections],
    ['bufferedBodies', limits.bufferedBodies],
    ...Array.from(upstreams.values(), (one) => [upstreamLease(one.name), one.limits.connections] as const),
  ];
  return new Map(units.filter(([, amount]) => amount !== Number.POSITIVE_INFINITY));
}

/**
 * Which worker holds how much of each limit. Together they never hold more than the whole limit: units that one gives up
 * are taken off before another gets them, and the units of a worker that ended are free. The kernel spreads connections
 * by a hash and not by load, so with fixed parts one worker would refuse what another has room for.
 */
export class Leases {
  readonly #totals: () => Units;
  readonly #held = new Map<Holder, Map<string, number>>();
  /** Grows when all parts are dealt again; a response about older parts does not count. */
  #deal = 0;
  readonly #asking = new Map<string, Promise<void>>();

  /** @param totals the limits in force. */
  constructor(totals: () => Units) {
    this.#totals = totals;
  }

  /**
   * A worker that does not serve yet begins with its shares, or with what is left of them: other workers may use the part
   * of a worker that died. Resolves when they have given back what they can spare.
   */
  async begin(holder: Holder): Promise<void> {
    const { shares } = holder;
    this.#held.set(holder, new Map(shares));
    const asked: Promise<void>[] = [];
    for (const [key, share] of shares) {
      const excess = Math.min(share, -this.#free(key));
      if (excess <= 0) continue;
      this.#takeOff(holder, key, excess);
      holder.raise(key, -excess);
      asked.push(this.ask(holder, key, excess));
    }
    await Promise.all(asked);
  }

  /** The holder has ended or accepts no connections: its part is for others. */
  end(holder: Holder): void {
    this.#held.delete(holder);
  }

  /** Deals all parts again, because another configuration is in force. */
  reset(): void {
    this.#deal += 1;
    for (const holder of this.#held.keys()) this.#held.set(holder, new Map(holder.shares));
  }

  /** A holder needs more. It gets what is free or what the others can spare, possibly nothing. Never rejects. */
  async ask(holder: Holder, key: string, wanted: number): Promise<void> {
    const before = this.#asking.get(key);
    const granted = (before ?? Promise.resolve()).then(() => this.#grant(holder, key, wanted));
    this.#asking.set(key, granted);
    await granted;
    if (this.#asking.get(key) === granted) this.#asking.delete(key);
  }

  async #grant(holder: Holder, key: string, wanted: number): Promise<void> {
    if (!this.#held.has(holder) || !this.#totals().has(key)) {
      holder.raise(key, 0);
      return;
    }
    const deal = this.#deal;
    const missing = wanted - this.#free(key);
    if (missing > 0) {
      const others = [...this.#held.keys()].filter((other) => other !== holder);
      const lowered = others.map(async (other) => {
        const given = await other.lower(key, missing);
        if (deal === this.#deal) this.#takeOff(other, key, given);
      });
      await settledWithin(Promise.allSettled(lowered), LOWER_MS);
    }
    const held = this.#held.get(holder);
    if (deal !== this.#deal || held === undefined) return;
    const amount = Math.max(0, Math.min(wanted, this.#free(key)));
    held.set(key, (held.get(key) ?? 0) + amount);
    holder.raise(key, amount);
  }

  #takeOff(holder: Holder, key: string, amount: number): void {
    const held = this.#held.get(holder);
    held?.set(key, (held.get(key) ?? 0) - amount);
  }

  #free(key: string): number {
    let free = this.#totals().get(key) ?? 0;
    for (const held of this.#held.values()) free -= held.get(key) ?? 0;
    return free;
  }
}
