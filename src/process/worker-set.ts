import type { Config } from '../config/config.ts';
import type { Staple } from '../front/front.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { Mutex } from '../lib/mutex.ts';
import { StartError } from '../lib/start-error.ts';
import type { Charges } from '../limits/rate-limit.ts';
import type { RateLimits } from '../limits/rate-limits.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { ServerBoard } from '../upstream/server-board.ts';
import type { ServerFact } from '../upstream/server-facts.ts';
import { Leases, type Units } from './leases.ts';
import type { KeysByIssuer } from './messages.ts';
import { RestartBackoff } from './restart-backoff.ts';
import { Worker } from './worker.ts';
import { type Ending, isWorkerEnd, WorkerEnded } from './worker-channel.ts';
import { WorkerTotals } from './worker-totals.ts';

/** Seconds of silence up to which a worker counts as well. */
const WELL_SECONDS = 3;

export interface WorkerSetOptions {
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: Log;
  /** The configuration in force of the worker with this index. */
  readonly configOf: (index: number) => Config;
  /** The limits of the whole gateway. */
  readonly limits: () => Units;
  /** Logs the states of upstream servers that the workers report. */
  readonly board: ServerBoard;
  /** What all workers have let in by rate limits. */
  readonly rates: RateLimits;
  readonly keys: () => KeysByIssuer;
  /** See `TicketKeys`. */
  readonly ticketKeys: () => Uint8Array;
  readonly staples: () => ReadonlyMap<string, Staple>;
  /** See `ServerWatch.current`. */
  readonly facts: () => ReadonlyMap<string, readonly ServerFact[]>;
  readonly revocations: () => Iterable<Revocation>;
  readonly refetch: (issuer: string) => Promise<void> | undefined;
  /** No worker lives long enough to serve. */
  readonly onGiveUp: (why: string) => void;
}

/** The living worker processes, one for each index. A new process replaces each that ends without being asked to. */
export class WorkerSet {
  /** Workers that ended unasked. */
  deaths = 0;
  readonly leases: Leases;
  readonly totals = new WorkerTotals();
  /** A change of the configuration, and the moment in which a new worker begins to serve, do not overlap. */
  readonly changes = new Mutex();
  readonly #options: WorkerSetOptions;
  readonly #backoff = new RestartBackoff();
  /** In the order of their start. */
  readonly #workers = new Set<Worker>();
  #started = false;
  #closing = false;

  constructor(options: WorkerSetOptions) {
    this.#options = options;
    this.leases = new Leases(options.limits);
  }

  /** In the order of their start. */
  get living(): readonly Worker[] {
    return [...this.#workers];
  }

  /** Workers that serve, by index. */
  get serving(): readonly Worker[] {
    return this.living.filter(({ state }) => state === 'serving').sort((a, b) => a.index - b.index);
  }

  /** Whether any worker that serves has responded a moment ago. */
  get isWell(): boolean {
    return this.serving.some(({ channel }) => channel.silentSeconds <= WELL_SECONDS);
  }

  /** Resolves when all workers serve. Rejects with a StartError when one cannot. */
  async start(count: number): Promise<void> {
    const indexes = Array.from({ length: count }, (_, index) => index);
    await Promise.all(indexes.map((index) => this.#fill(index)));
    this.#started = true;
  }

  /** Resolves when the workers that have been replaced have ended. */
  async drained(): Promise<void> {
    const replaced = this.living.filter(({ state }) => state === 'draining');
    await Promise.all(replaced.map(({ channel }) => channel.ended));
  }

  /** Replaces every worker, one after another; each ends when its clients have left it or `graceMs` is over. */
  async roll(graceMs: number): Promise<void> {
    this.assertOpen();
    for (const old of this.serving) {
      this.assertOpen();
      if (old.isDismissed || old.channel.isGone) continue;
      // From now on only this method replaces it.
      old.isDismissed = true;
      this.leases.end(old);
      try {
        await this.#add(old.index);
      } catch (error) {
        old.isDismissed = false;
        void this.leases.begin(old);
        if (old.channel.isGone) void this.#refill(old);
        else if (old.leaving !== undefined) void this.#replace(old, old.leaving);
        if (!isWorkerEnd(error)) throw error;
        throw new StartError('a new listener process ended before it served', { cause: error });
      }
      await this.#retire(old, graceMs);
    }
  }

  /** Ends all workers; see `Server.close`. @returns how many exchanges were cut. */
  async close(graceMs: number): Promise<number> {
    this.#closing = true;
    this.#backoff.stop();
    const workers = this.living;
    await Promise.all(workers.map((worker) => worker.close(graceMs)));
    return workers.reduce((sum, { channel }) => sum + channel.cut, 0);
  }

  kill(): void {
    this.#closing = true;
    for (const { channel } of this.#workers) channel.kill('SIGKILL');
  }

  /** Makes a worker take a configuration that it has prepared. Never rejects. */
  async commit(worker: Worker, config: Config, keys: KeysByIssuer): Promise<void> {
    try {
      await worker.commit(config, keys);
    } catch (error) {
      if (isWorkerEnd(error)) return;
      // The other workers serve the new configuration. A worker that does not must not serve.
      this.#options.log.error({ listener: worker.index, error }, 'a listener did not take the configuration');
      worker.channel.kill('SIGKILL');
    }
  }

  /** @throws StartError once the set closes. */
  assertOpen(): void {
    if (this.#closing) throw new StartError('the gateway is shutting down');
  }

  /** Starts a worker; resolves when it serves. */
  async #add(index: number): Promise<void> {
    const { log, program, env, clock, configOf, keys, revocations, refetch, board, rates } = this.#options;
    const worker: Worker = new Worker({
      program,
      env,
      clock,
      refetch,
      index,
      config: configOf(index),
      keys: keys(),
      ticketKeys: this.#options.ticketKeys(),
      staples: this.#options.staples(),
      facts: this.#options.facts(),
      revocations: revocations(),
      leaving: (why) => void this.#replace(worker, why),
      server: (event) => board.report(worker, event),
      want: (limit, wanted) => void this.leases.ask(worker, limit, wanted),
      charges: rates.snapshot(),
      charge: (charges) => this.#charge(worker, charges),
      overdue: () => {
        const fields = { listener: index, pid: worker.channel.pid };
        log.error(fields, 'a listener that should have ended is killed');
      },
    });
    this.#workers.add(worker);
    void worker.channel.ended.then((ending) => this.#onEnd(worker, ending));
    try {
      await this.leases.begin(worker);
      await worker.serve();
      await this.changes.run(() => this.#catchUp(worker));
    } catch (error) {
      worker.channel.kill('SIGKILL');
      throw error;
    }
    log.debug({ listener: index, pid: worker.channel.pid }, 'a listener serves');
  }

  /** Tells the other workers, and those to come, what a worker has let in by rate limits. */
  #charge(from: Worker, charges: readonly Charges[]): void {
    this.#options.rates.add(charges);
    from.channel.send({ kind: 'charged' });
    for (const worker of this.#workers)
      if (worker !== from) worker.channel.send({ kind: 'charges', charges });
  }

  /** A change that was put in force while the worker started did not include it. */
  async #catchUp(worker: Worker): Promise<void> {
    const config = this.#options.configOf(worker.index);
    if (worker.config !== config) {
      await worker.prepare(config);
      await worker.commit(config, this.#options.keys());
      await this.leases.begin(worker);
    }
    // The worker may have ended while it waited; then only the caller fills its place.
    if (worker.channel.isGone) throw new WorkerEnded('the listener process ended');
    worker.state = 'serving';
  }

  /** Starts workers with this index until one serves. During startup a StartError is final. */
  async #fill(index: number): Promise<void> {
    try {
      await this.#add(index);
    } catch (error) {
      if (this.#closing) return;
      if (!isWorkerEnd(error)) {
        if (!this.#started) throw error;
        const why = error instanceof StartError ? error.message : String(error);
        this.#options.log.error({ listener: index, why }, 'a listener could not be replaced');
      }
      const delay = this.#delayAfter(0);
      if (delay === undefined) throw new StartError('the listener processes end before they serve');
      await this.#backoff.wait(delay);
      if (!this.#closing) await this.#fill(index);
    }
  }

  /** Fills the place of a worker that has ended or is about to. Never rejects. */
  async #refill(worker: Worker): Promise<void> {
    const delay = this.#delayAfter(worker.served);
    try {
      if (delay === undefined)
        throw new StartError('listener processes end right after they have begun to serve');
      await this.#backoff.wait(delay);
      if (!this.#closing) await this.#fill(worker.index);
    } catch (error) {
      this.#options.onGiveUp(error instanceof Error ? error.message : String(error));
    }
  }

  #delayAfter(servedSeconds: number): number | undefined {
    return this.#backoff.after(
      servedSeconds,
      this.living.map(({ served }) => served),
    );
  }

  /** Puts another worker in the place of one that is about to end by itself. */
  async #replace(worker: Worker, why: string): Promise<void> {
    worker.leaving = why;
    if (this.#closing || worker.isDismissed) return;
    if (worker.state === 'starting') {
      worker.channel.kill('SIGKILL');
      return;
    }
    worker.isDismissed = true;
    this.leases.end(worker);
    this.#count(worker);
    const { log, configOf } = this.#options;
    log.error({ listener: worker.index, pid: worker.channel.pid, why }, 'a listener ends and is replaced');
    await this.#refill(worker);
    await this.#retire(worker, configOf(worker.index).shutdown.graceMs);
  }

  /** Resolves when the worker accepts no connections. Those that wait in its queue at that moment may be lost. */
  async #retire(worker: Worker, graceMs: number): Promise<void> {
    const { index, channel } = worker;
    void channel.ended.then(() => {
      const fields = { listener: index, pid: channel.pid, cut: channel.cut };
      this.#options.log.debug(fields, 'a replaced listener has ended');
    });
    await worker.retire(graceMs);
  }

  #onEnd(worker: Worker, { code, signal }: Ending): void {
    const { log, board } = this.#options;
    this.#workers.delete(worker);
    this.leases.end(worker);
    board.forget(worker);
    this.totals.keep(worker.report?.figures);
    if (this.#closing) return;
    const seconds = Math.round(worker.age);
    const fields = { listener: worker.index, pid: worker.channel.pid, code, signal, seconds };
    // Another method fills the place of these workers, but the log must have each end that was not asked for.
    if (worker.isDismissed || worker.state === 'starting') {
      if (worker.channel.wasKilled || (worker.isDismissed && code === 0)) return;
      this.#count(worker);
      log.error(
        fields,
        worker.isDismissed ? 'a listener process died' : 'a listener process ended before it served',
      );
      return;
    }
    this.#count(worker);
    log.error(fields, 'a listener process died and is replaced');
    void this.#refill(worker);
  }

  /** A worker counts once, also when it announced its end. */
  #count(worker: Worker): void {
    if (!worker.isCounted) this.deaths += 1;
    worker.isCounted = true;
  }
}
