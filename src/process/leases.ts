import type { Config } from '../config/config.ts';
import { upstreamLease } from '../limits/lease.ts';

/** A process that uses a part of each limit. */
export interface Holder {
  /** What it has of each limit before anything is lent. */
  readonly shares: Units;
  /** Asks it to give up to `wanted` units away. Resolves with how many it has given up; rejects when it ends before. */
  lower(key: string, wanted: number): Promise<number>;
  /** Gives it `amount` units, or, below 0, takes them from one that does not serve yet. */
  raise(key: string, amount: number): void;
}

/** Units of each limit, by its name. */
export type Units = ReadonlyMap<string, number>;

/**
 * Milliseconds for the others to say what they can spare. What comes later is kept for the next one who asks: one that
 * hangs must not keep a request waiting on another.
 */
const ANSWER_MS = 100;

/** Limits of which several processes use parts, by name. */
export function unitsOf({ limits, upstreams }: Config): Units {
  const units: readonly (readonly [string, number])[] = [
    ['connections', limits.connections],
    ['bufferedBodies', limits.bufferedBodies],
    ...Array.from(upstreams.values(), (one) => [upstreamLease(one.name), one.limits.connections] as const),
  ];
  return new Map(units.filter(([, amount]) => amount !== Number.POSITIVE_INFINITY));
}

/**
 * Who holds how much of each limit. Together they never hold more than the whole: what one gives up is taken off before
 * another gets it, and what one that has ended held is free. The kernel spreads connections by a hash and not by load,
 * so fixed parts would refuse on one process what another has room for.
 */
export class Leases {
  readonly #totals: () => Units;
  readonly #held = new Map<Holder, Map<string, number>>();
  /** Grows when all parts are dealt anew; an answer about older parts counts no more. */
  #deal = 0;
  readonly #asking = new Map<string, Promise<void>>();

  /** @param totals the limits in force. */
  constructor(totals: () => Units) {
    this.#totals = totals;
  }

  /**
   * A process that does not serve yet begins with its shares, or with what is left of them: others may work with the part
   * of one that died. Resolves when they have given back what they can spare.
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

  /** It has ended or takes no new connections: its part is for others. */
  end(holder: Holder): void {
    this.#held.delete(holder);
  }

  /** All parts are dealt anew, because another configuration is in force. */
  reset(): void {
    this.#deal += 1;
    for (const holder of this.#held.keys()) this.#held.set(holder, new Map(holder.shares));
  }

  /** A process needs more; it gets what is free, or what the others can spare, possibly nothing. Never rejects. */
  async ask(holder: Holder, key: string, wanted: number): Promise<void> {
    const before = this.#asking.get(key);
    const answered = (before ?? Promise.resolve()).then(() => this.#answer(holder, key, wanted));
    this.#asking.set(key, answered);
    await answered;
    if (this.#asking.get(key) === answered) this.#asking.delete(key);
  }

  async #answer(holder: Holder, key: string, wanted: number): Promise<void> {
    if (!this.#held.has(holder) || !this.#totals().has(key)) {
      holder.raise(key, 0);
      return;
    }
    const deal = this.#deal;
    const missing = wanted - this.#free(key);
    if (missing > 0) {
      const others = [...this.#held.keys()].filter((other) => other !== holder);
      const told = others.map(async (other) => {
        const given = await other.lower(key, missing);
        if (deal === this.#deal) this.#takeOff(other, key, given);
      });
      await settledWithin(told, ANSWER_MS);
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

async function settledWithin(all: readonly Promise<void>[], milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([Promise.allSettled(all), late]);
  clearTimeout(timer);
}
