import type { WorkerFigures } from '../admin/figures.ts';
import type { Config } from '../config/config.ts';
import type { Staple } from '../front/front.ts';
import type { Clock } from '../lib/clock.ts';
import { settledWithin } from '../lib/settled-within.ts';
import { StartError } from '../lib/start-error.ts';
import { version } from '../lib/version.ts';
import type { Charges } from '../limits/rate-limit.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { ServerFact } from '../upstream/server-facts.ts';
import type { ServerEvent } from '../upstream/server-report.ts';
import { type Holder, type Units, unitsOf } from './leases.ts';
import { type KeysByIssuer, PROTOCOL, type WorkerReport } from './messages.ts';
import { WorkerChannel } from './worker-channel.ts';

/** Revocations in one message, some 200 KiB. */
const CHUNK = 1_000;
/** Milliseconds beyond its grace after which a worker that should have ended is killed. */
const OVERDUE_MS = 5_000;
/** Milliseconds to wait for the figures of a worker, which may hang; older figures are shown then. */
const GATHER_MS = 1_000;

export interface WorkerOptions {
  /** The command that this process was started with. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly index: number;
  readonly clock: Clock;
  readonly config: Config;
  readonly keys: KeysByIssuer;
  readonly ticketKeys: Uint8Array;
  readonly staples: ReadonlyMap<string, Staple>;
  /** See `ServerWatch.current`. */
  readonly facts: ReadonlyMap<string, readonly ServerFact[]>;
  readonly revocations: Iterable<Revocation>;
  readonly refetch: (issuer: string) => Promise<void> | undefined;
  readonly leaving: (why: string) => void;
  /** A limit of the worker runs short; see `Leases`. */
  readonly want: (limit: string, wanted: number) => void;
  /** The worker found an upstream server down, or up again. */
  readonly server: (event: ServerEvent) => void;
  /** What the keys of rate limits have used. */
  readonly charges: readonly Charges[];
  /** The worker has let requests in by rate limits. */
  readonly charge: (charges: readonly Charges[]) => void;
  /** The worker did not end in time, and is killed. */
  readonly overdue: () => void;
}

/** One worker process, from its start to its end. */
export class Worker implements Holder {
  readonly index: number;
  readonly channel: WorkerChannel;
  /** The configuration that it serves. */
  config: Config;
  state: WorkerFigures['state'] = 'starting';
  /** Its last report. */
  report: WorkerReport | undefined;
  /** Why it is about to end by itself, if it is. */
  leaving: string | undefined;
  /** It has been asked to end, or its place is being filled. */
  isDismissed = false;
  /** It counts among the workers that ended unasked. */
  isCounted = false;
  /** Monotonic milliseconds. */
  readonly #startedAt: number;
  #servesAt = Number.POSITIVE_INFINITY;
  readonly #clock: Clock;
  readonly #revocations: Iterable<Revocation>;
  readonly #overdue: () => void;
  /** Why it was killed before it served. */
  #refusal: string | undefined;

  constructor(options: WorkerOptions) {
    const { index, clock, config, keys, ticketKeys, staples, facts, revocations, refetch } = options;
    const { leaving, want, server, charges, charge, overdue } = options;
    this.#overdue = overdue;
    this.index = index;
    this.config = config;
    this.#clock = clock;
    this.#revocations = revocations;
    this.#startedAt = clock.monotonic();
    this.channel = new WorkerChannel(options.program, options.env, {
      hello: (protocol, its) => {
        if (protocol === PROTOCOL) return;
        this.#refusal = `the listener process is of version ${its}, this supervisor of ${version}: restart the whole`;
        this.channel.kill('SIGKILL');
      },
      refetch: (issuer) => {
        const done = (): void => this.channel.send({ kind: 'refetched', issuer });
        const newer = refetch(issuer);
        if (newer === undefined) done();
        else void newer.then(done);
      },
      leaving,
      want,
      server,
      charge,
      report: (report) => {
        this.report = report;
      },
    });
    this.channel.send({ kind: 'configure', index, config, keys, ticketKeys, staples, facts, charges });
    this.channel.watch();
  }

  /** Resolves when it serves. Rejects with a StartError when it cannot, with WorkerEnded when it ends first. */
  async serve(): Promise<void> {
    try {
      let chunk: Revocation[] = [];
      const send = async (): Promise<void> => {
        await this.channel.ask({ kind: 'revoke', revocations: chunk });
        chunk = [];
      };
      for (const revocation of this.#revocations) {
        chunk.push(revocation);
        if (chunk.length === CHUNK) await send();
      }
      if (chunk.length > 0) await send();
      await this.channel.ask({ kind: 'serve' });
    } catch (error) {
      throw this.#refusal === undefined ? error : new StartError(this.#refusal, { cause: error });
    }
    this.#servesAt = this.#clock.monotonic();
  }

  get shares(): Units {
    return unitsOf(this.config);
  }

  async lower(limit: string, wanted: number): Promise<number> {
    const response = await this.channel.ask({ kind: 'lower', limit, wanted });
    return response.kind === 'lowered' ? response.amount : 0;
  }

  raise(limit: string, amount: number): void {
    this.channel.send({ kind: 'raise', limit, amount });
  }

  /** Seconds since its start. */
  get age(): number {
    return (this.#clock.monotonic() - this.#startedAt) / 1000;
  }

  /** Seconds for which it has served; 0 until it does. */
  get served(): number {
    return Math.max(0, this.#clock.monotonic() - this.#servesAt) / 1000;
  }

  /** Makes a configuration ready; see `ToWorker`. */
  async prepare(config: Config): Promise<void> {
    await this.channel.ask({ kind: 'prepare', config });
  }

  async commit(config: Config, keys: KeysByIssuer): Promise<void> {
    this.config = config; // Messages from now on arrive after it.
    await this.channel.ask({ kind: 'commit', keys });
  }

  /** Ends the worker when its clients have left. Resolves when it accepts no connections. */
  async retire(graceMs: number): Promise<void> {
    void this.#dismiss(graceMs);
    try {
      await this.channel.ask({ kind: 'retire', graceMs });
    } catch {
      // A worker that has ended accepts none either.
    }
  }

  /** Ends the worker when its exchanges have ended, at the latest after `graceMs`. Resolves when the worker has ended. */
  async close(graceMs: number): Promise<void> {
    this.channel.send({ kind: 'close', graceMs });
    await this.#dismiss(graceMs);
  }

  /** Waits for its end, and kills it when it is late. */
  async #dismiss(graceMs: number): Promise<void> {
    this.isDismissed = true;
    this.state = 'draining';
    const late = setTimeout(() => {
      this.#overdue();
      this.channel.kill('SIGKILL');
    }, graceMs + OVERDUE_MS);
    await this.channel.ended;
    clearTimeout(late);
  }

  /** Asks for its present figures. Resolves when they have arrived or are late. */
  async gather(): Promise<void> {
    // If it ends, its last report counts.
    await settledWithin(this.channel.ask({ kind: 'gather' }), GATHER_MS);
  }

  /** The figures of the process for `/status` and the metrics. */
  get figures(): WorkerFigures {
    const { process, figures } = this.report ?? {};
    return {
      pid: this.channel.pid,
      state: this.state,
      uptimeSeconds: this.age,
      connections: figures?.connections ?? 0,
      cpuSeconds: process?.cpuSeconds ?? 0,
      residentBytes: process?.residentBytes ?? 0,
      loopDelaySeconds: process?.loopDelaySeconds ?? 0,
    };
  }
}
