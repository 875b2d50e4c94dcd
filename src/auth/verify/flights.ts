import type { KeyChoice } from '../../keys/key.ts';
import type { Candidate } from '../candidate.ts';
import type { Issuer } from '../policy/issuer.ts';
import { rejections } from '../rejections.ts';
import type { Pending, Permit, Rejection, VerdictWaiter } from '../verdict.ts';
import { type Chained, FlightTable } from './flight-table.ts';
import type { Verification, VerificationJob, VerificationOutcome } from './verification.ts';

/** Requests that wait for one token. Only a client that repeats one request without end has more. */
const MAX_WAITERS_PER_TOKEN = 1024;
/** Requests that wait for any verification, each with some 200 bytes beside the request itself. */
const MAX_WAITERS = 16_384;

export interface FlightsOptions {
  readonly verification: Verification;
  /** The verdict for a token whose signature is good. */
  readonly conclude: (candidate: Candidate) => Permit | Rejection;
  /** The verdict for a token whose signature is wrong. */
  readonly refuse: (candidate: Candidate) => Rejection;
  /**
   * Asks the issuer for newer keys, for a token whose signature is wrong. Undefined when it cannot be asked now;
   * otherwise resolves, and never rejects, when the issuer has answered or failed.
   */
  readonly askForKeys: (candidate: Candidate) => Promise<void> | undefined;
  /** The `kid` of the token. */
  readonly kidOf: (candidate: Candidate) => string | undefined;
}

/**
 * Verifications under way: one for each token and issuer, however many requests wait for it.
 *
 * When the key set changes during a verification, its outcome does not count, good or bad. The token is verified once
 * more, with the present keys.
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

  /** Whether `join` would refuse the token for lack of room, so that it need not be read. */
  isFull(token: string): boolean {
    if (this.#waiters >= MAX_WAITERS) return true;
    return !this.#options.verification.hasRoom && !this.#flights.has(token);
  }

  /** Starts the verification of a token, or joins one that is under way. */
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
      this.#verifyAgain(flight);
    } else if (outcome === 'valid') {
      const verdict = this.#options.conclude(flight.candidate);
      this.#finish(flight, ({ candidate }) =>
        candidate === flight.candidate ? verdict : this.#options.conclude(candidate),
      );
    } else if (outcome === 'unavailable') this.#finish(flight, () => rejections.overloaded);
    else if (flight.asked) this.#refuse(flight);
    else {
      flight.asked = true;
      const newer = this.#options.askForKeys(flight.candidate);
      if (newer === undefined) this.#refuse(flight);
      else void newer.then(() => this.#verifyWithNewer(flight));
    }
  };

  /** With the same key set as before, the outcome would be the same. */
  #verifyWithNewer(flight: Flight): void {
    if (flight.version === flight.candidate.issuer.version) this.#refuse(flight);
    else this.#verifyAgain(flight);
  }

  #refuse(flight: Flight): void {
    const verdict = this.#options.refuse(flight.candidate);
    this.#finish(flight, () => verdict);
  }

  #verifyAgain(flight: Flight): void {
    const { issuer, algorithm } = flight.candidate;
    const choice = issuer.choose(algorithm, this.#options.kidOf(flight.candidate));
    if (choice === undefined) {
      const verdict = issuer.hasKeysFor(algorithm) ? rejections.keyUnknown : rejections.keysUnavailable;
      this.#finish(flight, () => verdict);
    } else if (flight.renewed || !this.#renew(flight, choice)) {
      this.#finish(flight, () => rejections.overloaded);
    }
  }

  #renew(flight: Flight, choice: KeyChoice): boolean {
    flight.renewed = true;
    flight.choice = choice;
    flight.version = flight.candidate.issuer.version;
    return this.#options.verification.submit(flight);
  }

  #finish(flight: Flight, verdictFor: (waiter: Waiter) => Permit | Rejection): void {
    this.#flights.delete(flight);
    for (const waiter of flight.waiters) {
      if (waiter.done) continue;
      // Before the verdict: a waiter that cancels in its `onVerdict` must not be counted twice.
      waiter.cancel();
      deliver(waiter, verdictFor);
    }
  }
}

class Flight implements Chained, VerificationJob {
  readonly candidate: Candidate;
  /** May still hold waiters that have been cancelled. */
  waiters: Waiter[] = [];
  next: Chained | undefined;
  choice: KeyChoice;
  version: number;
  /** Whether the key set has already changed once during the verification. */
  renewed = false;
  /** Whether `askForKeys` has been called for this flight. */
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

  /** Whether one more request may wait. Drops cancelled waiters when that is needed. */
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
  /** Has its verdict or was cancelled. */
  done = false;
  readonly #left: () => void;

  constructor(candidate: Candidate, verdictWaiter: VerdictWaiter, left: () => void) {
    this.candidate = candidate;
    this.verdictWaiter = verdictWaiter;
    this.#left = left;
  }

  /** The verification goes on, for the cache and for other waiters. */
  cancel(): void {
    if (this.done) return;
    this.done = true;
    this.#left();
  }
}

/** When a waiter throws, the other waiters still get the verdict. The error surfaces as an uncaught one. */
function deliver(waiter: Waiter, verdictFor: (waiter: Waiter) => Permit | Rejection): void {
  try {
    waiter.verdictWaiter.onVerdict(verdictFor(waiter));
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
