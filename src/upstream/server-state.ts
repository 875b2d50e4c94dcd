import type { Clock } from '../lib/clock.ts';
import type { Timers } from '../lib/timers.ts';
import { Ejection } from './ejection.ts';
import type { DownCause, Ejected, ServerEvent, ServerName, ServerReport } from './server-report.ts';
import { SlowStart } from './slow-start.ts';
import { isUnavailable } from './unavailable.ts';

/**
 * Failures in a row on established connections, after which a server counts as down: one or two are faults of single
 * requests.
 */
const FAILURES_IN_A_ROW = 3;

/** Milliseconds after which a failure no longer counts. */
const STALE_MS = 60_000;

/** An upstream that chooses among servers, as the state of one of them sees it. */
export interface ServerWatcher {
  /** One more attempt has failed in a row. */
  onFailure(state: ServerState): void;
  /** It is ejected or not any more, or its share has changed. */
  onShare(): void;
}

/**
 * Whether a server works, as its requests show. It is down when a connection cannot be made, or after failures in a row
 * on established connections. It is up with the next response; if no connection could be made, with the next connection.
 * An upstream may also eject it after failures in a row, among which are responses by which a server is unavailable.
 */
export class ServerState {
  /** The next part of a response may change the state. Compared for each. */
  failing = true;
  /** Open tunnels to it, which outlive the pools of their connections. */
  tunnels = 0;
  /** The upstreams that choose by it: the one of the configuration in force, and one that is to replace it. */
  readonly watchers = new Set<ServerWatcher>();
  readonly #upstream: string;
  readonly #address: string;
  readonly #clock: Clock;
  readonly #onEvent: (event: ServerEvent) => void;
  readonly #ejection: Ejection;
  readonly #slowStart: SlowStart;
  #state: ServerReport['state'] = 'untried';
  #cause: DownCause | undefined;
  #since: number;
  #failed = 0;
  #failedAt = 0;
  #unconnected = false;
  /** The last failure of those in a row. */
  #failure: DownCause = 'failed';

  constructor(name: ServerName, clock: Clock, timers: Timers, onEvent: (event: ServerEvent) => void) {
    this.#upstream = name.upstream;
    this.#address = name.address;
    this.#clock = clock;
    this.#onEvent = onEvent;
    this.#since = clock.wall();
    this.#ejection = new Ejection(clock, timers, () => this.#onEjection());
    this.#slowStart = new SlowStart(timers, () => this.#onShare());
  }

  /** `host:port`, or `unix:/path`. */
  get address(): string {
    return this.#address;
  }

  get report(): ServerReport {
    return {
      upstream: this.#upstream,
      address: this.#address,
      state: this.#state,
      cause: this.#cause,
      since: this.#since,
      failed: this.#failed,
      ejected: this.ejected,
    };
  }

  /** Attempts that failed since the last one that succeeded. */
  get failures(): number {
    return this.#ejection.failures;
  }

  /** Undefined: the server is not ejected. */
  get ejected(): Ejected | undefined {
    return this.#ejection.now;
  }

  /** The part of its weight that it has, from a tenth to 1: it grows during a slow start. */
  get share(): number {
    return this.#slowStart.share;
  }

  /** Keeps requests away from it. @param baseMs see `Ejection`. */
  eject(baseMs: number): void {
    this.#ejection.begin(this.#failure, baseMs);
    this.#onEjection();
  }

  /** Ends its ejection before its time. */
  readmit(): void {
    this.#ejection.end();
  }

  /** It gets requests again after a time without them: fewer at first. */
  startSlowly(ms: number): void {
    this.#slowStart.begin(ms);
  }

  /** It is forgotten. */
  close(): void {
    this.#ejection.close();
    this.#slowStart.stop();
  }

  /** No connection can be made to it. A probe finds out when that ends, even without a request. */
  get wantsProbe(): boolean {
    return this.#unconnected;
  }

  /** A connection could not be made. @param asked it was for a request, not for a probe. */
  unreachable(cause: DownCause, asked: boolean): void {
    this.#unconnected = true;
    if (asked) this.#count(cause, 1);
    else this.#cause = cause;
  }

  /** An attempt failed on an established connection. */
  broke(cause: DownCause): void {
    this.#count(cause, FAILURES_IN_A_ROW);
  }

  connected(): void {
    if (!this.#unconnected) return;
    this.#unconnected = false;
    this.#recover();
  }

  /**
   * A part of a response has arrived.
   * @param isSuccess it is the last part of a good one. Only that ends failures in a row: a server may break off each
   *   response after its head.
   */
  heard(head: { readonly status: number } | undefined, isSuccess: boolean): void {
    if (head !== undefined) this.#recover();
    if (head !== undefined && isUnavailable(head.status)) this.#fail('unavailable');
    if (isSuccess) this.#ejection.failures = 0;
    this.failing = this.#ejection.failures > 0;
  }

  /**
   * Called every few seconds. A server that failed on established connections, and that no request has tried since, may
   * work again, so its state becomes `untried`. A server without connections is probed instead.
   */
  review(): void {
    if (this.#state !== 'down' || this.#unconnected) return;
    if (this.#clock.monotonic() - this.#failedAt < STALE_MS) return;
    this.#cause = undefined;
    this.#change('untried');
    this.#failed = 0;
  }

  #recover(): void {
    this.#cause = undefined;
    if (this.#state !== 'up') this.#change('up');
    this.#failed = 0;
  }

  #change(state: ServerReport['state']): void {
    this.#state = state;
    this.#since = this.#clock.wall();
    this.#onEvent({ what: 'state', report: this.report });
  }

  #count(cause: DownCause, least: number): void {
    this.#failedAt = this.#clock.monotonic();
    this.#failed += 1;
    this.#cause = cause;
    if (this.#state !== 'down' && this.#failed >= least) this.#change('down');
    this.#fail(cause);
  }

  #fail(cause: DownCause): void {
    this.failing = true;
    // The gateway could not make a connection to any server.
    if (cause === 'no_socket') return;
    this.#ejection.failures += 1;
    this.#failure = cause;
    for (const watcher of this.watchers) watcher.onFailure(this);
  }

  #onEjection(): void {
    this.#onEvent({ what: 'ejection', report: this.report });
    this.#onShare();
  }

  #onShare(): void {
    for (const watcher of this.watchers) watcher.onShare();
  }
}
