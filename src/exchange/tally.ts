import type { HttpVersion } from '../http/message.ts';
import { Counter, CounterFamily, Histogram } from '../lib/counters.ts';
import { type Reason, reasons } from '../reasons.ts';

/**
 * How an exchange ended: the gateway forwarded the whole response, both sides agreed on another protocol, the client
 * left, the gateway replied to a preflight or to OPTIONS for the server in general, or it redirected to https, or the
 * request failed for a reason.
 */
export type Outcome =
  | Reason
  | 'forwarded'
  | 'upgraded'
  | 'client_aborted'
  | 'preflight_answered'
  | 'options_answered'
  | 'redirected';

/** Name of the route in metrics and the access log for requests that no route took. */
export const NO_ROUTE = 'none';

/** Upper bounds of `request_seconds` in seconds: from a cached token on loopback to a long poll. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Histograms of one kind; the names beyond share one, so that files of many routes stay readable for a scraper. */
const MAX_HISTOGRAMS = 200;
/** The name of that one. */
const OTHERS = 'other';

/** Histograms of the exchanges of a route, besides the one of all; each is undefined where it is not configured. */
export interface RouteTimes {
  readonly route: Histogram | undefined;
  /** Of the exchanges that forwarded a response of the route's upstream. */
  readonly upstream: Histogram | undefined;
}

/** The number of a route's exchanges, by outcome. */
export interface RouteTally {
  readonly outcomes: CounterFamily;
  /** The member of `outcomes` for responses that were forwarded whole. */
  readonly forwarded: Counter;
}

/** Counts every exchange once, by plain integers; `admin` renders them. */
export class Tally {
  readonly seconds: Histogram = new Histogram(SECONDS);
  readonly rejections: CounterFamily = new CounterFamily();
  /** Exchanges by the protocol of their clients. */
  readonly protocols: CounterFamily = new CounterFamily();
  readonly #http10 = this.protocols.of('http/1.0');
  readonly #http11 = this.protocols.of('http/1.1');
  readonly #http2 = this.protocols.of('h2');
  readonly routes: Map<string, RouteTally> = new Map();
  /** Failed exchanges of each upstream by reason. */
  readonly #upstreams = new Map<string, CounterFamily>();
  /** Retries of each upstream by result. */
  readonly retries: Map<string, CounterFamily> = new Map();
  /** Refused responses of each upstream by the parser's fault; each counts as a failed exchange, too. */
  readonly refusedResponses: Map<string, CounterFamily> = new Map();
  /** Lines of the access log that were left out or lost. */
  readonly accessLogDropped: Counter = new Counter();
  /** Seconds of the exchanges of each route, and of those with a response of each upstream, where that is configured. */
  readonly routeSeconds: Map<string, Histogram> = new Map();
  readonly upstreamSeconds: Map<string, Histogram> = new Map();
  /** Spans by what became of them. */
  readonly spans: CounterFamily = new CounterFamily();
  readonly #unrouted: RouteTally;

  constructor() {
    this.#unrouted = this.route(NO_ROUTE);
  }

  /** The counters of a route; they outlive a change of configuration as long as the name stays. */
  route(name: string): RouteTally {
    let route = this.routes.get(name);
    if (route === undefined) {
      const outcomes = new CounterFamily();
      route = { outcomes, forwarded: outcomes.of('forwarded') };
      this.routes.set(name, route);
    }
    return route;
  }

  /** Counts an exchange by the protocol of its client. */
  spoke(protocol: HttpVersion): void {
    const counter = protocol === 'http/1.1' ? this.#http11 : protocol === 'h2' ? this.#http2 : this.#http10;
    counter.value += 1;
  }

  /** The histograms of a route and its upstream; they outlive a change of configuration in the same way. */
  timesOf(
    { name, upstream }: { readonly name: string; readonly upstream: string },
    by: readonly ('route' | 'upstream')[],
  ): RouteTimes | undefined {
    if (by.length === 0) return undefined;
    return {
      route: by.includes('route') ? histogramOf(this.routeSeconds, name) : undefined,
      upstream: by.includes('upstream') ? histogramOf(this.upstreamSeconds, upstream) : undefined,
    };
  }

  /** The counter of an upstream's failures; it outlives a change of configuration as long as the name stays. */
  upstream(name: string): CounterFamily {
    return familyOf(this.#upstreams, name);
  }

  /** The counter of an upstream's retries; it outlives a change of configuration in the same way. */
  retriesOf(name: string): CounterFamily {
    return familyOf(this.retries, name);
  }

  /** The counter of an upstream's refused responses; it outlives a change of configuration in the same way. */
  refusedResponsesOf(name: string): CounterFamily {
    return familyOf(this.refusedResponses, name);
  }

  /** Counts an exchange that ended without a response of upstream. */
  failed(route: RouteTally | undefined, outcome: Outcome, seconds: number): void {
    (route ?? this.#unrouted).outcomes.of(outcome).value += 1;
    this.seconds.observe(seconds);
    if (outcome in reasons) this.rejections.of(outcome).value += 1;
  }

  /** Counts an exchange that forwarded a response: the common end, without a search. */
  forwarded(route: RouteTally, seconds: number): void {
    route.forwarded.value += 1;
    this.seconds.observe(seconds);
  }
}

function familyOf(families: Map<string, CounterFamily>, name: string): CounterFamily {
  let family = families.get(name);
  if (family === undefined) {
    family = new CounterFamily();
    families.set(name, family);
  }
  return family;
}

function histogramOf(histograms: Map<string, Histogram>, name: string): Histogram {
  const label = histograms.has(name) || histograms.size < MAX_HISTOGRAMS ? name : OTHERS;
  let histogram = histograms.get(label);
  if (histogram === undefined) {
    histogram = new Histogram(SECONDS);
    histograms.set(label, histogram);
  }
  return histogram;
}
