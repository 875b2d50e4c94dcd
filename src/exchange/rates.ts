import type { Permit } from '../auth/verdict.ts';
import type { RateKey } from '../config/config.ts';
import { clientAddress } from '../forwarding/forwarded.ts';
import type { ClientStream } from '../front/front.ts';
import { clientPrefix } from '../http/client-prefix.ts';
import type { RequestHead } from '../http/message.ts';
import type { Networks } from '../http/networks.ts';
import type { KeyedHash } from '../lib/keyed-hash.ts';
import type { RateLimit } from '../limits/rate-limit.ts';
import type { RateLimits } from '../limits/rate-limits.ts';

/** A limit of a route, and what its requests are counted by. */
export interface RouteRate {
  readonly limit: RateLimit;
  readonly by: RateKey;
}

/** The limit that refuses a request, and the milliseconds after which it may come. */
export interface RateRefusal {
  readonly limit: RateLimit;
  readonly waitMs: number;
}

/**
 * The limits on the rate of a route's requests. A request counts for all limits of one step or for none: those before its
 * token is judged, and those by a claim after it.
 */
export class RouteRates {
  readonly #limits: RateLimits;
  readonly #hash: KeyedHash;
  readonly #route: number;
  readonly #early: readonly RouteRate[];
  readonly #earlyLimits: readonly RateLimit[];
  readonly #late: readonly RateLimit[];
  /** The keys of the request at hand, for `early`. */
  readonly #keys: number[];

  /** @param route its name. @param rates in the order of the route. */
  constructor(limits: RateLimits, hash: KeyedHash, route: string, rates: readonly RouteRate[]) {
    this.#limits = limits;
    this.#hash = hash;
    this.#route = hash.of(route);
    this.#early = rates.filter(({ by }) => by.kind !== 'claim');
    this.#earlyLimits = this.#early.map(({ limit }) => limit);
    this.#late = rates.filter(({ by }) => by.kind === 'claim').map(({ limit }) => limit);
    this.#keys = this.#early.map(() => 0);
  }

  /**
   * Counts a request by what is known without its token. Undefined: it may go on.
   * @param trusted proxies whose report of the client's address is believed.
   */
  early(client: ClientStream, trusted: Networks | undefined): RateRefusal | undefined {
    if (this.#early.length === 0) return undefined;
    for (const [at, { by }] of this.#early.entries()) this.#keys[at] = this.#keyOf(by, client, trusted);
    return this.#count(this.#earlyLimits, this.#keys);
  }

  /** Counts a request by its claims. A permit without token, as of a preflight, has none. */
  late({ rates }: Permit): RateRefusal | undefined {
    return rates === undefined || this.#late.length === 0 ? undefined : this.#count(this.#late, rates);
  }

  #count(limits: readonly RateLimit[], keys: readonly number[]): RateRefusal | undefined {
    const all = this.#limits;
    const { now } = all;
    let refusal: RateRefusal | undefined;
    for (const [at, limit] of limits.entries()) {
      const waitMs = limit.wait(keys[at] as number, now, all.cost(limit, now));
      if (waitMs > (refusal?.waitMs ?? 0)) refusal = { limit, waitMs };
    }
    if (refusal !== undefined) {
      all.refused.of(refusal.limit.terms.name).value += 1;
      return refusal;
    }
    for (const [at, limit] of limits.entries()) {
      const urgency = limit.take(keys[at] as number, now, all.cost(limit, now));
      if (urgency !== undefined) all.tell(urgency);
    }
    return undefined;
  }

  /** Requests without what they are counted by share one count: leaving a header out must not set a client free. */
  #keyOf(by: RateKey, client: ClientStream, trusted: Networks | undefined): number {
    if (by.kind === 'client') {
      const peer = client.peer() ?? '';
      return this.#hash.of(clientPrefix(clientAddress(client.head, peer, trusted)));
    }
    return by.kind === 'header' ? this.#hash.of(headerText(by.name, client.head)) : this.#route;
  }
}

/** Several fields of one name are one list (RFC 9110 §5.3). */
function headerText(name: string, { names, values }: RequestHead): string {
  let value = '';
  for (let at = 0; at < names.length; at += 1) {
    if (names[at] === name) value = value === '' ? (values[at] as string) : `${value}, ${values[at]}`;
  }
  return value;
}
