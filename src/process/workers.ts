import type { GatewayFigures } from '../admin/figures.ts';
import type { Config } from '../config/config.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { StartError } from '../lib/start-error.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { ServerBoard } from '../upstream/server-board.ts';
import { Leases, type Units } from './leases.ts';
import type { KeysByIssuer } from './messages.ts';
import { RestartBackoff, YOUNG_SECONDS } from './restart-backoff.ts';
import { Worker } from './worker.ts';
import { type Ending, WorkerEnded } from './worker-channel.ts';
import { WorkerTotals } from './worker-totals.ts';

/** Seconds of silence after which a listener counts as hung: no work of its own takes its event loop that long. */
const HUNG_SECONDS = 10;
/** Seconds of silence up to which a listener counts as well. */
const WELL_SECONDS = 3;
/** Milliseconds between two looks at all listeners. */
const LOOK_MS = 1_000;
/** Looks from one reading of their counts to the next; what a killed listener had counted since is lost. */
const GATHER_EVERY = 5;

export interface WorkersOptions {
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly count: number;
  readonly clock: Clock;
  readonly log: Log;
  /** What the listener with this index serves. */
  readonly configOf: (index: number) => Config;
  /** The limits of the whole gateway. */
  readonly limits: () => Units;
  /** Is told what each finds out about upstream servers. */
  readonly board: ServerBoard;
  readonly keys: () => KeysByIssuer;
  readonly revocations: () => Iterable<Revocation>;
  readonly refetch: (issuer: string) => Promise<void> | undefined;
  /** Whether somebody else ends this process when no listener answers any more. */
  readonly watched: boolean;
  /** No listener lives long enough to serve. */
  readonly onHopeless: (why: string) => void;
}

/** The listener processes: as many as wanted, each replaced when it ends unasked. */
export class Workers {
  /** Listeners that ended unasked. */
  deaths = 0;
  readonly #options: WorkersOptions;
  readonly #backoff = new RestartBackoff();
  readonly #leases: Leases;
  readonly #board: ServerBoard;
  /** All that live, by start. */
  readonly #workers = new Set<Worker>();
  readonly #totals = new WorkerTotals();
  readonly #timers = new Set<NodeJS.Timeout>();
  #looks = 0;
  #looking: NodeJS.Timeout | undefined;
  /** One listener has served for a while. */
  #hope = false;
  #started = false;
  #closing = false;
  /** What follows on it does not overlap with it. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#leases = new Leases(options.limits);
    this.#board = options.board;
  }

  /** Listeners that serve, by index. */
  get serving(): readonly Worker[] {
    return [...this.#workers].filter(({ state }) => state === 'serving').sort((a, b) => a.index - b.index);
  }

  /** Whether any listener that serves has been heard of a moment ago. */
  get isWell(): boolean {
    return this.serving.some(({ channel }) => channel.silentSeconds <= WELL_SECONDS);
  }

  /** Resolves when all serve. Rejects with a StartError when one cannot. */
  async start(): Promise<void> {
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    const indexes = Array.from({ length: this.#options.count }, (_, index) => index);
    await Promise.all(indexes.map((index) => this.#fill(index)));
    this.#started = true;
  }

  /** Puts keys in force everywhere. */
  setKeys(issuer: string, keys: readonly VerificationKey[]): void {
    for (const { channel, config, index } of this.#workers) {
      // One that has yet to catch up gets them with the configuration; until then it may not know the issuer.
      if (config === this.#options.configOf(index)) channel.tell({ kind: 'keys', issuer, keys });
    }
  }

  /** Resolves when these are in force in every listener; one that does not answer is ended by `#look`. Never rejects. */
  async revoke(revocations: readonly Revocation[]): Promise<void> {
    if (revocations.length === 0) return;
    const asked = Array.from(this.#workers, ({ channel }) => channel.ask({ kind: 'revoke', revocations }));
    await Promise.allSettled(asked); // One that ended judges no token.
  }

  /** Resolves when no listener has in force what only Redis told. Never rejects. */
  async dropForeign(): Promise<void> {
    await Promise.allSettled(
      Array.from(this.#workers, ({ channel }) => channel.ask({ kind: 'drop-foreign' })),
    );
  }

  /**
   * Puts a configuration in force on every listener, or, when one of them cannot take it, on none. @param take called
   * when all are ready, at which time `configOf` of the options must have become this one; gives the keys for it.
   * @throws StartError when one cannot take it, and what `take` throws; everything is as it was then.
   */
  change(configOf: (index: number) => Config, take: () => KeysByIssuer): Promise<void> {
    return this.#alone(async () => {
      this.#assertOpen();
      // Those that drain, too: clients that have not left them yet are served by the same rules as all others.
      const workers = [...this.#workers].filter(({ state }) => state !== 'starting');
      const prepared = await Promise.allSettled(
        workers.map((one) => {
          const config = configOf(one.index);
          return one.prepare(one.state === 'draining' ? { ...config, listen: [] } : config);
        }),
      );
      let keys: KeysByIssuer;
      try {
        const refused = prepared.find(
          (result, at) =>
            result.status === 'rejected' && !isEnd(result.reason) && workers[at]?.state !== 'draining',
        );
        if (refused !== undefined) throw (refused as PromiseRejectedResult).reason;
        this.#assertOpen();
        keys = take();
      } catch (error) {
        for (const { channel } of workers) channel.tell({ kind: 'abandon' });
        throw error;
      }
      const committed = workers.map((one, at) => {
        if (prepared[at]?.status === 'fulfilled') return this.#commit(one, configOf(one.index), keys);
        // It ends anyway, and must not serve by old rules until then.
        return one.channel.tell({ kind: 'close', graceMs: 0 });
      });
      this.#leases.reset();
      await Promise.all(committed);
    });
  }

  /** Resolves when those that have been replaced have ended. */
  async drained(): Promise<void> {
    const replaced = [...this.#workers].filter(({ state }) => state === 'draining');
    await Promise.all(replaced.map(({ channel }) => channel.ended));
  }

  /** Replaces every listener, one after another; each ends when its clients have left it or `graceMs` is over. */
  async roll(graceMs: number): Promise<void> {
    this.#assertOpen();
    for (const old of this.serving) {
      this.#assertOpen();
      if (old.isDismissed || old.channel.isGone) continue;
      // From now on only this replaces it.
      old.isDismissed = true;
      this.#leases.end(old);
      try {
        await this.#add(old.index);
      } catch (error) {
        old.isDismissed = false;
        void this.#leases.begin(old);
        if (old.channel.isGone) void this.#refill(old);
        else if (old.leaving !== undefined) void this.#replace(old, old.leaving);
        if (!isEnd(error)) throw error;
        throw new StartError('a new listener process ended before it served', { cause: error });
      }
      await this.#retire(old, graceMs);
    }
  }

  async gather(): Promise<GatewayFigures> {
    const workers = [...this.#workers];
    await Promise.all(workers.map((one) => one.gather()));
    const living = [...this.#workers];
    return {
      figures: this.#totals.with(living.map(({ report }) => report?.figures)),
      workers: living.map(({ figures }) => figures),
      workerDeaths: this.deaths,
    };
  }

  /** Has all end; see `Server.close`. @returns how many exchanges were cut. */
  async close(graceMs: number): Promise<number> {
    this.#closing = true;
    clearInterval(this.#looking);
    for (const timer of this.#timers) clearTimeout(timer);
    const workers = [...this.#workers];
    await Promise.all(workers.map((one) => one.close(graceMs)));
    return workers.reduce((sum, { channel }) => sum + channel.cut, 0);
  }

  kill(): void {
    this.#closing = true;
    for (const { channel } of this.#workers) channel.kill('SIGKILL');
  }

  /** Starts one and has it serve. */
  async #add(index: number): Promise<Worker> {
    const { configOf, keys, revocations, limits: _limits, board: _board, ...rest } = this.#options;
    const worker: Worker = new Worker({
      ...rest,
      index,
      config: configOf(index),
      keys: keys(),
      revocations: revocations(),
      leaving: (why) => void this.#replace(worker, why),
      server: (report) => this.#board.report(worker, report),
      want: (limit, wanted) => void this.#leases.ask(worker, limit, wanted),
      overdue: () => {
        const fields = { listener: index, pid: worker.channel.pid };
        this.#options.log.error(fields, 'a listener that should have ended is killed');
      },
    });
    this.#workers.add(worker);
    void worker.channel.ended.then((ending) => this.#onEnd(worker, ending));
    try {
      await this.#leases.begin(worker);
      await worker.serve();
      await this.#alone(() => this.#catchUp(worker));
    } catch (error) {
      worker.channel.kill('SIGKILL');
      throw error;
    }
    this.#options.log.debug({ listener: index, pid: worker.channel.pid }, 'a listener serves');
    return worker;
  }

  /** What was put in force while it started went past it. */
  async #catchUp(worker: Worker): Promise<void> {
    const config = this.#options.configOf(worker.index);
    if (worker.config !== config) {
      await worker.prepare(config);
      await worker.commit(config, this.#options.keys());
      await this.#leases.begin(worker);
    }
    // It may have ended while it waited for its turn; nothing else fills its place.
    if (worker.channel.isGone) throw new WorkerEnded('the listener process ended');
    worker.state = 'serving';
  }

  /** Has a listener at this place, sooner or later; what cannot be had at the start is not tried again. */
  async #fill(index: number): Promise<void> {
    try {
      await this.#add(index);
    } catch (error) {
      if (this.#closing) return;
      if (!isEnd(error)) {
        if (!this.#started) throw error;
        const why = error instanceof StartError ? error.message : String(error);
        this.#options.log.error({ listener: index, why }, 'a listener could not be replaced');
      }
      const delay = this.#backoff.after(0, this.#hasHope());
      if (delay === undefined) throw new StartError('the listener processes end before they serve');
      await this.#wait(delay);
      if (!this.#closing) await this.#fill(index);
    }
  }

  #assertOpen(): void {
    if (this.#closing) throw new StartError('the gateway is shutting down');
  }

  #hasHope(): boolean {
    this.#hope ||= [...this.#workers].some(({ served }) => served >= YOUNG_SECONDS);
    return this.#hope;
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(work);
    this.#changing = done.catch(() => {}); // The caller is told.
    return done;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }

  async #commit(worker: Worker, config: Config, keys: KeysByIssuer): Promise<void> {
    try {
      await worker.commit(config, keys);
    } catch (error) {
      if (isEnd(error)) return;
      // The others work with the new configuration: one that does not must not serve.
      this.#options.log.error({ listener: worker.index, error }, 'a listener did not take the configuration');
      worker.channel.kill('SIGKILL');
    }
  }

  /** Puts another one in the place of one that is about to end by itself. */
  async #replace(worker: Worker, why: string): Promise<void> {
    worker.leaving = why;
    if (this.#closing || worker.isDismissed) return;
    if (worker.state === 'starting') {
      worker.channel.kill('SIGKILL');
      return;
    }
    worker.isDismissed = true;
    this.#leases.end(worker);
    this.#count(worker);
    const { log, configOf } = this.#options;
    log.error({ listener: worker.index, pid: worker.channel.pid, why }, 'a listener ends and is replaced');
    await this.#refill(worker);
    await this.#retire(worker, configOf(worker.index).shutdown.graceMs);
  }

  /** Resolves when all new connections go to others: one in its queue when it stops to accept may be lost. */
  async #retire(worker: Worker, graceMs: number): Promise<void> {
    const { index, channel } = worker;
    void channel.ended.then(() => {
      const fields = { listener: index, pid: channel.pid, cut: channel.cut };
      this.#options.log.debug(fields, 'a replaced listener has ended');
    });
    await worker.retire(graceMs);
  }

  #onEnd(worker: Worker, { code, signal }: Ending): void {
    this.#workers.delete(worker);
    this.#leases.end(worker);
    this.#board.forget(worker);
    this.#totals.keep(worker.report?.figures);
    if (this.#closing) return;
    const { log } = this.#options;
    const fields = {
      listener: worker.index,
      pid: worker.channel.pid,
      code,
      signal,
      seconds: Math.round(worker.age),
    };
    // Somebody sees to the places of these already; that they ended unasked must be told all the same.
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

  /** Each ends unasked at most once, though it may have told so before. */
  #count(worker: Worker): void {
    if (!worker.isCounted) this.deaths += 1;
    worker.isCounted = true;
  }

  async #refill(worker: Worker): Promise<void> {
    this.#hope ||= worker.served >= YOUNG_SECONDS;
    const delay = this.#backoff.after(worker.served, this.#hasHope());
    try {
      if (delay === undefined)
        throw new StartError('listener processes end right after they have begun to serve');
      await this.#wait(delay);
      if (!this.#closing) await this.#fill(worker.index);
    } catch (error) {
      this.#options.onHopeless(error instanceof Error ? error.message : String(error));
    }
  }

  #look(): void {
    this.#looks += 1;
    if (this.#looks % GATHER_EVERY === 0) for (const one of this.#workers) void one.gather();
    const { watched, log } = this.#options;
    for (const { channel, index } of this.#workers) {
      if (channel.silentSeconds < HUNG_SECONDS) continue;
      // When none answers, something greater is wrong, and the watchdog of this process ends it all.
      if (watched && !this.isWell) continue;
      log.error(
        { listener: index, pid: channel.pid, seconds: HUNG_SECONDS },
        'a listener hangs and is killed',
      );
      channel.kill('SIGKILL');
    }
  }
}

function isEnd(error: unknown): boolean {
  return error instanceof WorkerEnded;
}
