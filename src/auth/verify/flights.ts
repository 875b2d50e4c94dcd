import type { Candidate } from '../examiner.ts';
import type { Issuer } from '../policy/issuer.ts';
import { rejections } from '../rejections.ts';
import type { Pending, Permit, Rejection, VerdictWaiter } from '../verdict.ts';
import { type Chained, FlightTable } from './flight-table.ts';
import type { Verification } from './inline.ts';
import type { VerificationJob, VerificationOutcome } from './pool.ts';
import type { KeyChoice } from './signature.ts';

/** Requests waiting for one token; more is one client asking without end for its first answer. */
const MAX_WAITERS_PER_TOKEN = 1024;
/** Requests waiting for verification altogether: some 200 bytes each beside the requests themselves. */
const MAX_WAITERS = 16_384;

export interface FlightsOptions {
  readonly verification: Verification;
  /** Turns a token whose signature is good into the answer for its route, and remembers it. */
  readonly conclude: (candidate: Candidate) => Permit | Rejection;
  /** The answer for a token whose signature is wrong. */
  readonly refuse: (candidate: Candidate) => Rejection;
  /**
   * Asks for newer keys on behalf of a token whose signature is wrong. Undefined when there is nothing to ask, or it is
   * too early; otherwise resolves, and never rejects, when it is done.
   */
  readonly askForKeys: (candidate: Candidate) => Promise<void> | undefined;
  /** Which key the token names. */
  readonly kidOf: (candidate: Candidate) => string | undefined;
}

/**
 * Verifications under way, one per token and issuer however many requests wait for it.
 *
 * A verdict that was reached under a key set which has been replaced meanwhile is not believed, good or bad: the
 * token goes round once more with the keys of today.
 */
export class Flights {
  readonly #options: FlightsOptions;
  readonly #flights = new FlightTable<Flight>();
  #waiters = 0;

  constructor(options: FlightsOptions) {
    this.#options = options;
  }

  /** Requests that wait for a verdict. */
  get waiting(): number {
    return this.#waiters;
  }

  /** Whether a token would find no room to wait, so that it need not be read. */
  isFull(token: string): boolean {
    if (this.#waiters >= MAX_WAITERS) return true;
    return !this.#options.verification.hasRoom && !this.#flights.has(token);
  }

  join(candidate: Candidate, verdictWaiter: VerdictWaiter): Pending | Rejection {
    if (this.#waiters >= MAX_WAITERS) return rejections.overloaded;
    let flight = this.#flights.find(candidate.token, candidate.issuer);
    if (flight === undefined) {
      flight = new Flight(candidate, this.#settle);
      if (!this.#options.verification.submit(flight)) return rejections.overloaded;
      this.#flights.add(flight);
    } else if (!flight.hasRoom()) return rejections.overloaded;
    const shared = flight.candidate.policy === candidate.policy ? flight.candidate : candidate;
    const waiter = new Waiter(shared, verdictWaiter, this.#leave);
    flight.waiters.push(waiter);
    this.#waiters += 1;
    return waiter;
  }

  readonly #leave = (): void => {
    this.#waiters -= 1;
  };

  readonly #settle = (flight: Flight, outcome: VerificationOutcome): void => {
    if (outcome !== 'unavailable' && flight.version !== flight.candidate.issuer.version) {
      this.#goRoundAgain(flight);
    } else if (outcome === 'valid') {
      const answer = this.#options.conclude(flight.candidate);
      this.#land(flight, ({ candidate }) =>
        candidate === flight.candidate ? answer : this.#options.conclude(candidate),
      );
    } else if (outcome === 'unavailable') this.#land(flight, () => rejections.overloaded);
    else if (flight.asked) this.#refuse(flight);
    else {
      flight.asked = true;
      const newer = this.#options.askForKeys(flight.candidate);
      if (newer === undefined) this.#refuse(flight);
      else void newer.then(() => this.#lookAgain(flight));
    }
  };

  /** The same key set as before would give the same verdict. */
  #lookAgain(flight: Flight): void {
    if (flight.version === flight.candidate.issuer.version) this.#refuse(flight);
    else this.#goRoundAgain(flight);
  }

  #refuse(flight: Flight): void {
    const answer = this.#options.refuse(flight.candidate);
    this.#land(flight, () => answer);
  }

  #goRoundAgain(flight: Flight): void {
    const { issuer, algorithm } = flight.candidate;
    const choice = issuer.choose(algorithm, this.#options.kidOf(flight.candidate));
    if (choice === undefined) {
      const answer = issuer.hasKeysFor(algorithm) ? rejections.keyUnknown : rejections.keysUnavailable;
      this.#land(flight, () => answer);
    } else if (flight.renewed || !this.#renew(flight, choice)) {
      this.#land(flight, () => rejections.overloaded);
    }
  }

  #renew(flight: Flight, choice: KeyChoice): boolean {
    flight.renewed = true;
    flight.choice = choice;
    flight.version = flight.candidate.issuer.version;
    return this.#options.verification.submit(flight);
  }

  #land(flight: Flight, answerFor: (waiter: Waiter) => Permit | Rejection): void {
    this.#flights.delete(flight);
    for (const waiter of flight.waiters) {
      if (waiter.done) continue;
      // Before its verdict: a waiter that cancels from within it must not be counted out twice.
      waiter.cancel();
      deliver(waiter, answerFor);
    }
  }
}

class Flight implements Chained, VerificationJob {
  readonly candidate: Candidate;
  /** Those who have left may still be in it. */
  waiters: Waiter[] = [];
  next: Chained | undefined;
  choice: KeyChoice;
  version: number;
  /** Whether the keys have already changed once under way. */
  renewed = false;
  /** Whether newer keys have been asked for on its behalf, or could not be. */
  asked = false;
  readonly #settled: (flight: Flight, outcome: VerificationOutcome) => void;

  constructor(candidate: Candidate, settled: (flight: Flight, outcome: VerificationOutcome) => void) {
    this.candidate = candidate;
    this.choice = candidate.choice;
    this.version = candidate.issuer.version;
    this.#settled = settled;
  }

  get token(): string {
    return this.candidate.token;
  }

  get issuer(): Issuer {
    return this.candidate.issuer;
  }

  /** Whether one more may wait; makes room by forgetting those who have left. */
  hasRoom(): boolean {
    if (this.waiters.length < MAX_WAITERS_PER_TOKEN) return true;
    this.waiters = this.waiters.filter(({ done }) => !done);
    return this.waiters.length < MAX_WAITERS_PER_TOKEN;
  }

  settle(outcome: VerificationOutcome): void {
    this.#settled(this, outcome);
  }
}

class Waiter implements Pending {
  readonly kind = 'pending';
  readonly candidate: Candidate;
  readonly verdictWaiter: VerdictWaiter;
  /** Has its verdict or wants none any more. */
  done = false;
  readonly #left: () => void;

  constructor(candidate: Candidate, verdictWaiter: VerdictWaiter, left: () => void) {
    this.candidate = candidate;
    this.verdictWaiter = verdictWaiter;
    this.#left = left;
  }

  /** Safe at any time and more than once; the verification goes on, for the cache and for other waiters. */
  cancel(): void {
    if (this.done) return;
    this.done = true;
    this.#left();
  }
}

/** A waiter that throws must not keep the verdict from the others; its error surfaces as an uncaught one. */
function deliver(waiter: Waiter, answerFor: (waiter: Waiter) => Permit | Rejection): void {
  try {
    waiter.verdictWaiter.onVerdict(answerFor(waiter));
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
