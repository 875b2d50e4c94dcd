import type { Authorizer } from '../auth/authorizer.ts';
import type { Config } from '../config/config.ts';
import type { ExchangeContext } from '../exchange/context.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Route } from '../exchange/route.ts';
import type { Budget } from '../limits/budget.ts';
import type { RateLimit } from '../limits/rate-limit.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { buildService, type Surroundings } from './build-service.ts';

/** One configuration at work. It serves until another takes its place, and ends with its last exchange. */
export class Service {
  /** The context of its exchanges. */
  readonly forExchanges: ExchangeContext<Exchange>;
  readonly authorizer: Authorizer;
  readonly budget: Budget;
  /** By name. */
  readonly routes: ReadonlyMap<string, Route>;
  /** By name. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** By name. */
  readonly rateLimits: ReadonlyMap<string, RateLimit>;
  readonly #onClosed: (service: Service) => void;
  #exchanges = 0;
  #replaced = false;
  #closing: Promise<void> | undefined;

  /** Throws when a key of the configuration cannot be used. @param onClosed called when the service has ended. */
  constructor(config: Config, surroundings: Surroundings, onClosed: (service: Service) => void) {
    this.#onClosed = onClosed;
    const { upstreams, routes, rateLimits, forExchanges } = buildService(config, {
      ...surroundings,
      onEnd: (exchange) => {
        surroundings.onEnd(exchange);
        this.#exchanges -= 1;
        if (this.#replaced && this.#exchanges === 0) void this.close();
      },
    });
    this.forExchanges = forExchanges;
    this.authorizer = forExchanges.authorizer;
    this.budget = forExchanges.budget;
    this.upstreams = upstreams;
    this.routes = routes;
    this.rateLimits = rateLimits;
  }

  /** Counts an exchange that begins; `onEnd` counts its end. */
  begin(): void {
    this.#exchanges += 1;
  }

  /** The limits that processes share are dealt again: this process has its shares of them, as at the start. */
  resetLeases(): void {
    this.budget.reset();
    for (const upstream of this.upstreams.values()) upstream.reset();
  }

  /** Another service has taken its place: no exchange begins here any more, and the last one ends the service. */
  retire(): void {
    this.#replaced = true;
    for (const upstream of this.upstreams.values()) upstream.drain();
    if (this.#exchanges === 0) void this.close();
  }

  /** Ends all exchanges now. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const upstream of this.upstreams.values()) upstream.close();
    await this.authorizer.close();
    this.#onClosed(this);
  }
}
