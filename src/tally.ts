import { CounterFamily, Histogram } from './lib/counters.ts';
import { type Reason, reasons } from './reasons.ts';

/** How an exchange ended: upstream's answer was carried whole, the client left, or one of the reason words. */
export type Outcome = Reason | 'forwarded' | 'client_aborted';

/** Label of requests that no route took. */
const NO_ROUTE = 'none';

/** Upper bounds of `request_seconds` in seconds: from a cached token on loopback to a long poll. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Counts every exchange once, by plain integers; `admin` renders them. */
export class Tally {
  readonly seconds: Histogram = new Histogram(SECONDS);
  readonly rejections: CounterFamily = new CounterFamily();
  /** Outcomes by route name. */
  readonly routes: Map<string, CounterFamily> = new Map();
  private readonly unrouted: CounterFamily;

  constructor() {
    this.unrouted = this.route(NO_ROUTE);
  }

  /** The counters of a route; they outlive a change of configuration as long as the name stays. */
  route(name: string): CounterFamily {
    let outcomes = this.routes.get(name);
    if (outcomes === undefined) {
      outcomes = new CounterFamily();
      this.routes.set(name, outcomes);
    }
    return outcomes;
  }

  count(route: CounterFamily | undefined, outcome: Outcome, seconds: number): void {
    (route ?? this.unrouted).of(outcome).value += 1;
    this.seconds.observe(seconds);
    if (outcome in reasons) this.rejections.of(outcome).value += 1;
  }
}
